import type { Service } from "../../config";
import { globalLimitsOf } from "../../config/schema/limits/rateLimit";
import type { ClientAddress } from "../../config/schema/entry/clientAddress";
import type { RateLimitServiceConfig } from "../../config/schema/limits/rateLimitService";
import { protoDuration } from "../../config/values/duration";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { lastFilterPatch, routePatch } from "../shared/envoyPatches";
import { type GatewayRef, RATE_LIMIT_PORT, rateLimitServiceName } from "../shared/naming";
import { rateLimitDomain, routeRateLimits } from "./rateLimitDescriptors";

export interface GlobalRateLimitArgs {
  services: readonly Service[];
  config: RateLimitServiceConfig & { namespace: string };
  gateway: GatewayRef;
  /** What stands between clients and the gateway. */
  clientAddress?: ClientAddress;
}

const FILTER = "envoy.filters.http.ratelimit";
const TYPE = "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit";

/**
 * Limits that all gateway proxies count together. Envoy's filter on the https listener does nothing on its own; each limited
 * route says what to count.
 */
export function globalRateLimitPatches(args: GlobalRateLimitArgs): ConfigPatch[] {
  const routes = args.services.flatMap((service) =>
    globalLimitsOf(service).length === 0
      ? []
      : service.rules.map((rule) =>
          routePatch(service.host, rule, { route: { rate_limits: routeRateLimits(service, args.clientAddress) } }),
        ),
  );
  return routes.length === 0 ? [] : [lastFilterPatch(FILTER, filterConfig(args), false), ...routes];
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/ratelimit/v3/rate_limit.proto */
function filterConfig(args: GlobalRateLimitArgs): Record<string, unknown> {
  const { namespace, timeout, failureMode } = args.config;
  const host = `${rateLimitServiceName(args.gateway, namespace)}.${namespace}.svc.cluster.local`;
  return {
    "@type": TYPE,
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
