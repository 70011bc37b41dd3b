import { isExternal, type Rule, type Service, type Target, targetsOf } from "../../config";
import type { TelemetryConfig } from "../../config/schema/telemetry/telemetry";
import type { GatewayRef } from "../shared/naming";
import { localLimitPrefix, NOT_ENFORCED_LIMITS } from "../shared/statNames";

/** Label of the scraped series that names the Gateway: the pods' label, as Prometheus writes it. */
export const GATEWAY_LABEL = "gateway_networking_k8s_io_gateway_name";

/**
 * Selects the series of a Gateway's proxies: others on the same hosts and backends have series of the same names. Operators add
 * the label `namespace` to whatever they scrape.
 */
export function ofGateway({ name, namespace }: GatewayRef): string {
  return `${GATEWAY_LABEL}="${name}",namespace="${namespace}"`;
}

/** Envoy's counter for a filter that is sent on its own. `config_reload`: there is none if the filter is in no listener. */
export function filterMetric(filter: string, metric: "config_reload" | "update_rejected"): string {
  return `envoy_extension_config_discovery_http_filter_${sanitized(filter)}_${metric}`;
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
/** Those of rules, and of what Istio sends on its own, whose names are in the middle. Rules' names have two dashes. */
const REGEXPS = [
  String.raw`cluster\..*;\.[^.]*--[^.]*\.upstream_rq_(completed|[1-5]xx|time)`,
  String.raw`http\..*\.rds\..*\.update_rejected`,
  String.raw`extension_config_discovery\..*\.(update_rejected|config_reload)`,
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

/** What Envoy counts for a rule: routed requests, without those that a rate limit or a policy refused. */
type RuleMetric =
  /** By `response_code_class`. */
  | "upstream_rq"
  | "upstream_rq_completed"
  /** Unit: milliseconds. */
  | "upstream_rq_time_bucket";

/** Envoy's metric for a rule: the router's, for each backend, under the name that `routeTelemetryPatches` gives. */
export function ruleMetric({ name }: Pick<Rule, "name">, metric: RuleMetric): string {
  return `envoy_cluster_${sanitized(name)}_${metric}`;
}

/** The rates of a service's rules, whose sum is the service's. @param labels Selects among the series. */
export function ruleRates({ rules }: Service, metric: RuleMetric, labels: string, window: string): string {
  return union(
    rules.map((rule) => ({ name: rule.name, expr: `rate(${ruleMetric(rule, metric)}{${labels}}[${window}])` })),
  );
}

/** Series of several metrics, kept apart by a label: their rates have no names, and Prometheus would take them for the same. */
export function union(parts: readonly { readonly name: string; readonly expr: string }[]): string {
  return parts.length === 1
    ? parts.map(({ expr }) => expr).join("")
    : `(${parts.map(({ name, expr }) => `label_replace(${expr}, "part", "${name}", "", "")`).join(" or ")})`;
}

/** Names of a service's other metrics. */
export function namesOf(service: Service<number>) {
  return {
    rateLimited: localLimit(service, true),
    /** What a limit would refuse that is not enforced; `global` by backend. */
    notEnforced: {
      local: localLimit(service, false),
      global: `envoy_cluster_ratelimit_${sanitized(NOT_ENFORCED_LIMITS)}_over_limit`,
    },
    /** Selects the clusters of its backends. */
    clusters: `cluster_name=~"${clusters(service).join("|")}"`,
  };
}

function localLimit({ name }: Service<number>, isEnforced: boolean): string {
  return `envoy_${sanitized(localLimitPrefix(name, isEnforced))}_http_local_rate_limit_rate_limited`;
}

/** Calls to a gRPC service that ended with a status, or all of them; counted by its backends' clusters. */
export function grpcCalls(service: Service<number>, gateway: GatewayRef, status: number | "total"): string {
  return `envoy_cluster_grpc_${status}{${namesOf(service).clusters},${ofGateway(gateway)}}`;
}

/** Istio's cluster name for a port. */
export function clusterName(target: Target<number>): string {
  const host = isExternal(target) ? target.host : `${target.service}.${target.namespace}.svc.cluster.local`;
  return `outbound|${target.port}||${host}`;
}

/** Regular expressions for the backends' clusters, escaped for a PromQL string. */
function clusters(service: Service<number>): string[] {
  const names = targetsOf(service).map((target) => clusterName(target).replace(/[|.]/g, String.raw`\\$&`));
  return [...new Set(names)].sort();
}
