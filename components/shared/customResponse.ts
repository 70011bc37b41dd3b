import type { FilterConfig, HeaderValueOption } from "./envoyTypes";

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/xds/type/matcher/v3/matcher.proto */
export type Matcher = Readonly<Record<string, unknown>>;

/** Replaces the responses that a matcher finds. https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/custom_response_filter */
export function customResponse(matcher: Matcher): FilterConfig {
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.custom_response.v3.CustomResponse",
    custom_response_matcher: matcher,
  };
}

/** Its parts that are used. */
export interface LocalResponse {
  /** Default: that of the response. */
  readonly status_code?: number;
  /** Sent as it is. */
  readonly body?: { readonly inline_string: string };
  /** With command operators. */
  readonly body_format?: Readonly<Record<string, unknown>>;
  readonly response_headers_to_add: readonly (HeaderValueOption | Pick<HeaderValueOption, "header">)[];
}

/**
 * What a matcher finds: a response of the proxy's own, under a name.
 * https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/http/custom_response/local_response_policy/v3/local_response_policy.proto
 */
export function localResponse(name: string, response: LocalResponse): { readonly action: object } {
  const type = "type.googleapis.com/envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy";
  return { action: { name, typed_config: { "@type": type, ...response } } };
}
