import type { Rule } from "../../config";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { HTTPS_PORT } from "./naming";

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
