import * as pulumi from "@pulumi/pulumi";
import type { Service } from "../../config";
import { globalLimitsOf } from "../../config/schema/limits/rateLimit";
import type { RateLimitServiceConfig } from "../../config/schema/limits/rateLimitService";
import type { EnvoyFilterSpec } from "../../kinds/envoyFilter";
import { filterPatch, gatewayPatches, routePatch } from "../shared/envoyPatches";
import { GatewayEnvoyFilter } from "../shared/gatewayEnvoyFilter";
import { rateLimitConfig, routeRateLimits } from "./rateLimitDescriptors";
import { GRPC_PORT, RateLimitService, rateLimitServiceName } from "./rateLimitService";

export interface GlobalRateLimitArgs {
  services: readonly Service[];
  config: RateLimitServiceConfig & { namespace: string };
  gatewayName: string;
  gatewayNamespace: string;
}

/**
 * Limits that all gateway proxies count together: the service that counts, and one EnvoyFilter that adds Envoy's filter
 * to the https listener, where it asks nothing by itself, and what to ask to each limited route.
 */
export class GlobalRateLimit extends pulumi.ComponentResource {
  constructor(name: string, args: GlobalRateLimitArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:GlobalRateLimit", name, {}, opts);
    const { services, config, gatewayName, gatewayNamespace } = args;
    const limits = rateLimitConfig(services, domainOf(args));
    const service = new RateLimitService(`${name}-service`, { config, limits, gatewayName }, { parent: this });
    const filter = { feature: "global-rate-limit", spec: globalRateLimitSpec(args), gatewayName, gatewayNamespace };
    // Asked before it is there, the service would count as failing.
    new GatewayEnvoyFilter(name, filter, { parent: this, dependsOn: [service] });
    this.registerOutputs();
  }
}

const FILTER = "envoy.filters.http.ratelimit";
const TYPE = "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit";

function domainOf({ gatewayName, gatewayNamespace }: GlobalRateLimitArgs): string {
  return `${gatewayNamespace}/${gatewayName}`;
}

export function globalRateLimitSpec(args: GlobalRateLimitArgs): EnvoyFilterSpec {
  const routes = args.services.flatMap((service) =>
    globalLimitsOf(service).length === 0
      ? []
      : service.rules.map((rule) =>
          routePatch(service.host, rule, { route: { rate_limits: routeRateLimits(service) } }),
        ),
  );
  // Applied before the local limits, which so come first in the chain: what they refuse is not counted here.
  return gatewayPatches(args.gatewayName, -10, [filterPatch(FILTER, filterConfig(args)), ...routes]);
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/ratelimit/v3/rate_limit.proto */
function filterConfig(args: GlobalRateLimitArgs): Record<string, unknown> {
  const { namespace, timeout, failureMode } = args.config;
  const host = `${rateLimitServiceName(args.gatewayName)}.${namespace}.svc.cluster.local`;
  return {
    "@type": TYPE,
    domain: domainOf(args),
    timeout: seconds(timeout),
    failure_mode_deny: failureMode === "closed",
    status_on_error: { code: 503 },
    enable_x_ratelimit_headers: "DRAFT_VERSION_03",
    rate_limit_service: {
      transport_api_version: "V3",
      // Istio's own cluster of the Service: endpoints by EDS, and mTLS where the Pods have a sidecar.
      grpc_service: { envoy_grpc: { cluster_name: `outbound|${GRPC_PORT}||${host}`, authority: host } },
    },
  };
}

const MILLISECONDS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A duration in the one form that protobuf's JSON knows: `1m30s` is `90s`, `100ms` is `0.1s`. */
export function seconds(duration: string): string {
  const parts = [...duration.matchAll(/(\d+)(ms|h|m|s)/g)];
  const sum = parts.reduce((total, [, count, unit = ""]) => total + Number(count) * (MILLISECONDS[unit] ?? 0), 0);
  return `${sum / 1000}s`;
}
