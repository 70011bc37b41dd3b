import { type FilterConfig, percentage } from "./envoyTypes";

/**
 * Answers each request with a status, and Envoy's own text: no other filter has a status of one's choice.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/fault_filter
 */
export function abortFilter(http_status: number): FilterConfig {
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
    abort: { http_status, percentage: percentage(100) },
  };
}
