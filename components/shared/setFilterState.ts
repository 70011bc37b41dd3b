import type { FilterConfig } from "./envoyTypes";

/**
 * Writes texts down for filters that a request passes later, and for matchers.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/set_filter_state
 * @param texts By their keys, in Envoy's language of access logs. Later filters cannot change them.
 */
export function setFilterState(texts: Readonly<Record<string, string>>): FilterConfig {
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
    on_request_headers: Object.entries(texts).map(([object_key, inline_string]) => ({
      object_key,
      factory_key: "envoy.string",
      format_string: { text_format_source: { inline_string } },
      read_only: true,
    })),
  };
}
