import type { Rule } from "../config";
import type { ConfigPatch } from "../kinds/envoyFilter";
import { HTTPS_PORT } from "./naming";

/**
 * Merges a value into Envoy's route of a rule. Only into a route that forwards: a merge into a redirect makes Envoy reject
 * all routes (istio#59043).
 */
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
