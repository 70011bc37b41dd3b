import { type FilterConfig, headerValue } from "./envoyTypes";

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/common/mutation_rules/v3/mutation_rules.proto */
export type HeaderMutation = Readonly<Record<string, unknown>>;

/** Sets a header, whatever it was. @param value May have command operators, such as `%REQ(host)%`; empty ones set nothing. */
export function setHeader(key: string, value: string): HeaderMutation {
  return { append: headerValue(key, value) };
}

export function removeHeaders(names: readonly string[]): HeaderMutation[] {
  return names.map((name) => ({ remove: name }));
}

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/header_mutation_filter */
export function headerMutation(request: readonly HeaderMutation[], response?: readonly HeaderMutation[]): FilterConfig {
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
    mutations: { request_mutations: request, response_mutations: response },
  };
}
