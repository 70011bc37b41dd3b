import type { Service } from "../../config";
import type { GatewayRef } from "../shared/naming";
import { filterMetric, GRPC_SERVER_ERRORS, grpcCalls, ofGateway, ruleRates, union } from "./metricNames";

/** Seconds until the listeners' first certificate expires. */
export function certificateSeconds(gateway: GatewayRef): string {
  const ends = `{__name__=~"envoy_listener_.*ssl_certificate_.*expiration_unix_time_seconds"`;
  return `min(${ends},${ofGateway(gateway)}}) - time()`;
}

/** How often Envoy rejected configuration within a window, by kind. @param httpFilters Those that are sent on their own. */
export function configRejects(
  gateway: GatewayRef,
  window: string,
  httpFilters: readonly string[],
): Readonly<Record<string, string>> {
  const own = ofGateway(gateway);
  const increase = (selector: string) => `sum(increase(${selector}[${window}]))`;
  return {
    listeners: increase(`envoy_listener_manager_lds_update_rejected{${own}}`),
    clusters: increase(`envoy_cluster_manager_cds_update_rejected{${own}}`),
    // The counter's name includes that of the route table, and its labels that of the listener.
    routes: increase(`{__name__=~"envoy_http_.*rds_.*_update_rejected",${own}}`),
    ...(httpFilters.length === 0 ? {} : { filters: `sum(${filterRejects(httpFilters, own, window)})` }),
  };
}

function filterRejects(httpFilters: readonly string[], own: string, window: string): string {
  return union(
    httpFilters.map((name) => ({
      name,
      expr: `increase(${filterMetric(name, "update_rejected")}{${own}}[${window}])`,
    })),
  );
}

/** How many proxies there are, counting those that finish their last requests; 0 if there is none. */
export function proxyCount(gateway: GatewayRef): string {
  return `(count(envoy_server_live{${ofGateway(gateway)}} == 1) or vector(0))`;
}

/** How many proxies lack an HTTP filter: a patch that inserts nowhere is no error to Istio. */
export function proxiesWithout(filter: string, gateway: GatewayRef): string {
  const own = ofGateway(gateway);
  return `count(envoy_listener_manager_lds_update_rejected{${own}}) - (count(${filterMetric(filter, "config_reload")}{${own}} > 0) or vector(0))`;
}

/** Share of failed requests, from 0 to 1: 5xx, or the gRPC equivalent. */
export function errorShare(service: Service<number>, gateway: GatewayRef, window: string): string {
  if (service.protocol === "grpc") {
    // Envoy's own failures are gRPC statuses too, so adding 5xx would count them twice. A status that never occurred has no
    // counter.
    const calls = GRPC_SERVER_ERRORS.map(
      (status) => `(sum(rate(${grpcCalls(service, gateway, status)}[${window}])) or vector(0))`,
    );
    return `(${calls.join(" + ")}) / sum(rate(${grpcCalls(service, gateway, "total")}[${window}]))`;
  }
  const own = ofGateway(gateway);
  const failed = ruleRates(service, "upstream_rq", `response_code_class="5xx",${own}`, window);
  return `sum(${failed}) / sum(${ruleRates(service, "upstream_rq_completed", own, window)})`;
}

/** Unit: milliseconds. */
export function latency(service: Service<number>, gateway: GatewayRef, quantile: number, window: string): string {
  const buckets = ruleRates(service, "upstream_rq_time_bucket", ofGateway(gateway), window);
  return `histogram_quantile(${quantile}, sum by (le) (${buckets}))`;
}

/** Share of the calls to the rate limit service that failed, from 0 to 1. */
export function limiterErrorShare(gateway: GatewayRef, window: string): string {
  const rate = (answer: string) =>
    `(sum(rate(envoy_cluster_ratelimit_${answer}{${ofGateway(gateway)}}[${window}])) or vector(0))`;
  return `${rate("error")} / (${["ok", "over_limit", "error"].map(rate).join(" + ")})`;
}
