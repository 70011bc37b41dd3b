import type { Rule } from "../../config";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { HTTPS_PORT } from "./naming";

/** Inserts an HTTP filter in front of the existing ones, on the https listener. */
export function firstFilterPatch(name: string, typedConfig: Record<string, unknown>): ConfigPatch {
  return httpFilterPatch("INSERT_FIRST", { name, typed_config: typedConfig });
}

/**
 * Inserts an HTTP filter right before the router, behind all others, on the https listener.
 * @param disabled Off unless a route configures it.
 */
export function lastFilterPatch(name: string, typedConfig: Record<string, unknown>, disabled: boolean): ConfigPatch {
  const value = { name, ...(disabled ? { disabled } : {}), typed_config: typedConfig };
  return httpFilterPatch("INSERT_BEFORE", value, { subFilter: { name: "envoy.filters.http.router" } });
}

function httpFilterPatch(
  operation: "INSERT_FIRST" | "INSERT_BEFORE",
  value: Record<string, unknown>,
  where: { subFilter?: { name: string } } = {},
): ConfigPatch {
  const filter = { name: "envoy.filters.network.http_connection_manager", ...where };
  return {
    applyTo: "HTTP_FILTER",
    match: { context: "GATEWAY", listener: { portNumber: HTTPS_PORT, filterChain: { filter } } },
    patch: { operation, value },
  };
}

/** Merges into a rule's route. Only if it forwards: a merge into a redirect makes Envoy reject all routes (istio#59043). */
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
