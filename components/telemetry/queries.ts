import type { Service } from "../../config";
import type { GatewayRef } from "../shared/naming";
import { GRPC_SERVER_ERRORS, grpcCalls, namesOf, ofGateway } from "./metricNames";

/** Seconds until the listeners' first certificate expires. */
export function certificateSeconds(gateway: GatewayRef): string {
  const ends = `{__name__=~"envoy_listener_.*ssl_certificate_.*expiration_unix_time_seconds"`;
  return `min(${ends},${ofGateway(gateway)}}) - time()`;
}

/** How often Envoy rejected configuration within a window, by kind. */
export function configRejects(
  gateway: GatewayRef,
  window: string,
): Record<"listeners" | "clusters" | "routes" | "filters", string> {
  const own = ofGateway(gateway);
  const increase = (selector: string) => `sum(increase(${selector}[${window}]))`;
  return {
    listeners: increase(`envoy_listener_manager_lds_update_rejected{${own}}`),
    clusters: increase(`envoy_cluster_manager_cds_update_rejected{${own}}`),
    // The counter's name includes that of the route table.
    routes: increase(`{__name__=~"envoy_http_.*rds_.*_update_rejected",${own}}`),
    // That of a filter which is sent on its own.
    filters: increase(`{__name__=~"envoy_extension_config_discovery_.*_update_rejected",${own}}`),
  };
}

/** Share of failed requests, from 0 to 1: 5xx, or the gRPC equivalent. */
export function errorShare(service: Service, gateway: GatewayRef, window: string): string {
  if (service.protocol === "grpc") {
    // Envoy's own failures are gRPC statuses too, so adding 5xx would count them twice. A status that never occurred has no
    // counter.
    const calls = GRPC_SERVER_ERRORS.map(
      (status) => `(sum(rate(${grpcCalls(service, gateway, status)}[${window}])) or vector(0))`,
    );
    return `(${calls.join(" + ")}) / sum(rate(${grpcCalls(service, gateway, "total")}[${window}]))`;
  }
  const { requests, completed } = namesOf(service);
  const own = ofGateway(gateway);
  return `sum(rate(${requests}{response_code_class="5xx",${own}}[${window}])) / sum(rate(${completed}{${own}}[${window}]))`;
}

/** Unit: milliseconds. */
export function latency(service: Service, gateway: GatewayRef, quantile: number, window: string): string {
  const { timeBuckets } = namesOf(service);
  return `histogram_quantile(${quantile}, sum by (le) (rate(${timeBuckets}{${ofGateway(gateway)}}[${window}])))`;
}

/** Share of the calls to the rate limit service that failed, from 0 to 1. */
export function limiterErrorShare(gateway: GatewayRef, window: string): string {
  const rate = (answer: string) =>
    `(sum(rate(envoy_cluster_ratelimit_${answer}{${ofGateway(gateway)}}[${window}])) or vector(0))`;
  return `${rate("error")} / (${["ok", "over_limit", "error"].map(rate).join(" + ")})`;
}
