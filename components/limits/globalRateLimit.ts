import type { Service } from "../../config";
import type { ClientAddress } from "../../config/schema/entry/clientAddress";
import type { RateLimitServiceConfig } from "../../config/schema/limits/rateLimitService";
import { protoDuration } from "../../config/values/duration";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { lastFilterPatch } from "../shared/envoyPatches";
import { percentage } from "../shared/envoyTypes";
import { byRule, filterByRoute, filterName, NO_ACTION } from "../shared/filterByRoute";
import { type GatewayRef, RATE_LIMIT_PORT, rateLimitServiceName } from "../shared/naming";
import { NOT_ENFORCED_LIMITS } from "../shared/statNames";
import {
  limitsMetadata,
  limitsNamespace,
  rateLimitDomain,
  rateLimits,
  type Refusal,
  refusals,
} from "./rateLimitDescriptors";

export interface GlobalRateLimitArgs {
  services: readonly Service[];
  config: RateLimitServiceConfig & { namespace: string };
  gateway: GatewayRef;
  /** What stands between clients and the gateway. */
  clientAddress?: ClientAddress;
}

/**
 * Limits that all gateway proxies count together. A filter by rule says which limits a request has, and Envoy's own, the same for all
 * services, asks the service that counts: one for each answer to requests beyond a limit. Empty if no service has a limit.
 */
export function globalRateLimitPatches(args: GlobalRateLimitArgs): ConfigPatch[] {
  const { services, clientAddress } = args;
  const used = refusals(services);
  const filters = byRule(services, (rule, service) => {
    const metadata = used
      .map((refusal) => ({
        metadata_namespace: limitsNamespace(refusal),
        value: limitsMetadata(service, rule, refusal),
      }))
      .filter(({ value }) => Object.keys(value).length > 0);
    return metadata.length === 0
      ? NO_ACTION
      : { "@type": "type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config", metadata };
  });
  return filters.size === 0
    ? []
    : [
        ...filterByRoute({ feature: "global-rate-limit", place: "last", by: "rule", filters }),
        ...used.map((refusal) =>
          lastFilterPatch(refusal === 429 ? ENVOYS_NAME : filterName(`rate-limit-${refusal}`), {
            ...filterConfig(args),
            ...answer(refusal),
            rate_limits: rateLimits(services, refusal, clientAddress),
          }),
        ),
      ];
}

const ENVOYS_NAME = "envoy.filters.http.ratelimit";

/** What a filter tells clients whose requests are beyond a limit. */
function answer(refusal: Refusal): Record<string, unknown> {
  if (refusal !== "not-enforced") {
    return refusal === 429 ? {} : { rate_limited_status: { code: refusal } };
  }
  return {
    stat_prefix: NOT_ENFORCED_LIMITS,
    filter_enforced: { default_value: percentage(0) },
    failure_mode_deny: false,
    enable_x_ratelimit_headers: "OFF",
    disable_x_envoy_ratelimited_header: true,
  };
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/ratelimit/v3/rate_limit.proto */
function filterConfig(args: GlobalRateLimitArgs): Record<string, unknown> {
  const { namespace, timeout, failureMode } = args.config;
  const host = `${rateLimitServiceName(args.gateway, namespace)}.${namespace}.svc.cluster.local`;
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit",
    domain: rateLimitDomain(args.gateway),
    timeout: protoDuration(timeout),
    failure_mode_deny: failureMode === "closed",
    status_on_error: { code: 503 },
    enable_x_ratelimit_headers: "DRAFT_VERSION_03",
    rate_limit_service: {
      transport_api_version: "V3",
      // Istio's own cluster for the Service: endpoints by EDS, and mTLS if the Pods have a sidecar.
      grpc_service: { envoy_grpc: { cluster_name: `outbound|${RATE_LIMIT_PORT}||${host}`, authority: host } },
    },
  };
}
