import { backendsOf, type Backend, type Service } from "../../config";
import type { TelemetryConfig } from "../../config/schema/telemetry/telemetry";
import { type GatewayRef, HTTPS_PORT } from "../shared/naming";

/** Label of the scraped series that names the Gateway: the pods' label, as Prometheus writes it. */
export const GATEWAY_LABEL = "gateway_networking_k8s_io_gateway_name";

/**
 * Selects the series of a Gateway's proxies: others on the same hosts and backends have series of the same names. Operators add
 * the label `namespace` to whatever they scrape.
 */
export function ofGateway({ name, namespace }: GatewayRef): string {
  return `${GATEWAY_LABEL}="${name}",namespace="${namespace}"`;
}

/** gRPC statuses that correspond to an HTTP 5xx. https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
export const GRPC_SERVER_ERRORS = [2, 4, 12, 13, 14, 15];

/** Suffixes of counters that Istio's proxies keep only on request. */
const SUFFIXES = [
  "membership_healthy",
  "outlier_detection.ejections_active",
  "upstream_rq_pending_overflow",
  "http_local_rate_limit.rate_limited",
  "expiration_unix_time_seconds",
  ...["ok", "error", "over_limit"].map((answer) => `ratelimit.${answer}`),
  ...["total", ...GRPC_SERVER_ERRORS].map((status) => `grpc.${status}`),
];
/** Those of route tables and of filters that are sent on their own, whose names are in the middle. */
const REGEXPS = [
  String.raw`http\..*\.rds\..*\.update_rejected`,
  String.raw`extension_config_discovery\..*\.update_rejected`,
];

/**
 * Annotations that make the gateway's pods keep what dashboard and alerts read. They name no service, so that adding one does not
 * restart pods. https://istio.io/latest/docs/reference/config/annotations/#SidecarStatsInclusionSuffixes
 */
export function statsAnnotations({ metrics }: TelemetryConfig): Record<string, string> {
  return metrics === undefined
    ? {}
    : {
        "sidecar.istio.io/statsInclusionSuffixes": SUFFIXES.join(","),
        "sidecar.istio.io/statsInclusionRegexps": REGEXPS.join(","),
      };
}

/** A name as Envoy exposes it to Prometheus. */
function sanitized(text: string): string {
  return text.replace(/[^A-Za-z0-9_]/g, "_");
}

/** Prefix of a host's counters, by status and time: with one, Envoy counts a route's requests together with those of that prefix. */
export const SERVICE_PREFIX = "service";

/** Prefix of a service's counters among those of its host. */
export function statPrefix({ name, sharesHost }: Pick<Service, "name" | "sharesHost">): string {
  return sharesHost ? name : SERVICE_PREFIX;
}

/** Names of Envoy's metrics for a service. */
export function namesOf(service: Service) {
  const route = `envoy_vhost_${sanitized(`${service.host}:${HTTPS_PORT}`)}_route_${sanitized(statPrefix(service))}`;
  return {
    /** Routed requests by `response_code_class`, without those that a rate limit or a policy refused. */
    requests: `${route}_upstream_rq`,
    completed: `${route}_upstream_rq_completed`,
    /** Unit: milliseconds. */
    timeBuckets: `${route}_upstream_rq_time_bucket`,
    rateLimited: `envoy_${sanitized(service.name)}_http_local_rate_limit_rate_limited`,
    /** Selects the clusters of its backends. */
    clusters: `cluster_name=~"${clusters(service).join("|")}"`,
  };
}

/** Calls to a gRPC service that ended with a status, or all of them; counted by its backends' clusters. */
export function grpcCalls(service: Service, gateway: GatewayRef, status: number | "total"): string {
  return `envoy_cluster_grpc_${status}{${namesOf(service).clusters},${ofGateway(gateway)}}`;
}

/** Istio's cluster name for a Service's port. */
export function clusterName({ service, namespace, port }: Omit<Backend, "weight">): string {
  return `outbound|${port}||${service}.${namespace}.svc.cluster.local`;
}

/** Regular expressions for the backends' clusters, escaped for a PromQL string. */
function clusters(service: Service): string[] {
  const names = backendsOf(service).map((backend) => clusterName(backend).replace(/[|.]/g, String.raw`\\$&`));
  return [...new Set(names)].sort();
}
