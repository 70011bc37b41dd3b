import type { Rule } from "../../config";
import type { ConfigPatch, EnvoyFilterSpec } from "../../kinds/envoyFilter";
import { HTTPS_PORT } from "./naming";

/**
 * Patches of this gateway's proxies, and of the program's own routes alone.
 * @param priority Filters with a higher one come earlier in the chain: patches are applied in this order, each in front.
 */
export function gatewayPatches(gatewayName: string, priority: number, configPatches: ConfigPatch[]): EnvoyFilterSpec {
  return {
    // Not targetRefs: Istio 1.26 and older ignore them, and would patch every proxy of the namespace.
    workloadSelector: { labels: { "gateway.networking.k8s.io/gateway-name": gatewayName } },
    priority,
    configPatches,
  };
}

/** Puts an HTTP filter in front of those that are there, on the https listener. */
export function filterPatch(name: string, typedConfig: Record<string, unknown>): ConfigPatch {
  return {
    applyTo: "HTTP_FILTER",
    match: {
      context: "GATEWAY",
      listener: {
        portNumber: HTTPS_PORT,
        filterChain: { filter: { name: "envoy.filters.network.http_connection_manager" } },
      },
    },
    patch: { operation: "INSERT_FIRST", value: { name, typed_config: typedConfig } },
  };
}

/** Adds to the route of a rule. Only one that forwards: a merge into a redirect makes Envoy reject all routes (istio#59043). */
export function routePatch(host: string, rule: Rule, value: Record<string, unknown>): ConfigPatch {
  return {
    applyTo: "HTTP_ROUTE",
    match: {
      context: "GATEWAY",
      routeConfiguration: {
        portNumber: HTTPS_PORT,
        vhost: { name: `${host}:${HTTPS_PORT}`, route: { name: rule.name, action: "ROUTE" } },
      },
    },
    patch: { operation: "MERGE", value },
  };
}
