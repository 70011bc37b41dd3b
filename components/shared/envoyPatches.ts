import type { Rule } from "../../config";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { HTTPS_PORT } from "../../config/resolve/protocols";

/** Where an HTTP filter of the https listener is inserted: in front of the existing ones, or right before the router. */
export type Place = "first" | "last";

/** The same for each port where services are served; what is for no port, or for another, stays as it is. */
export function onEachPort(patches: readonly ConfigPatch[], ports: readonly number[]): ConfigPatch[] {
  return patches.flatMap((patch) => {
    const { listener, routeConfiguration } = patch.match;
    if (listener?.portNumber === HTTPS_PORT) {
      return ports.map((portNumber) => ({
        ...patch,
        match: { ...patch.match, listener: { ...listener, portNumber } },
      }));
    }
    return routeConfiguration?.portNumber === HTTPS_PORT
      ? ports.map((portNumber) => ({
          ...patch,
          match: { ...patch.match, routeConfiguration: { ...routeConfiguration, portNumber } },
        }))
      : [patch];
  });
}

/** Inserts an HTTP filter in front of the existing ones, on the https listener. */
export function firstFilterPatch(name: string, typedConfig: Record<string, unknown>): ConfigPatch {
  return httpFilterPatch("first", { name, typed_config: typedConfig });
}

/** Inserts an HTTP filter right before the router, behind all others, on the https listener. */
export function lastFilterPatch(name: string, typedConfig: Record<string, unknown>): ConfigPatch {
  return httpFilterPatch("last", { name, typed_config: typedConfig });
}

/**
 * Inserts an HTTP filter whose config istiod sends on its own, under the filter's name. Without the config, the listener waits for it
 * for as long as it takes: it never serves without the filter.
 * @param type The `@type` of that config.
 */
export function discoveredFilterPatch(name: string, type: string, place: Place): ConfigPatch {
  const source = { ads: {}, initial_fetch_timeout: "0s", resource_api_version: "V3" };
  return httpFilterPatch(place, { name, config_discovery: { config_source: source, type_urls: [type] } });
}

function httpFilterPatch(place: Place, value: Record<string, unknown>): ConfigPatch {
  const [operation, where] =
    place === "first"
      ? (["INSERT_FIRST", {}] as const)
      : (["INSERT_BEFORE", { subFilter: { name: "envoy.filters.http.router" } }] as const);
  const filter = { name: "envoy.filters.network.http_connection_manager", ...where };
  return {
    applyTo: "HTTP_FILTER",
    match: { context: "GATEWAY", listener: { portNumber: HTTPS_PORT, filterChain: { filter } } },
    patch: { operation, value },
  };
}

/**
 * Merges into a rule's route. Only if it forwards: a merge into a redirect makes Envoy reject all routes (istio#59043). istiod tries
 * each such patch on every route, so this is for what neither a filter nor the Gateway API can do.
 */
export function routePatch(rule: Pick<Rule, "name">, value: Record<string, unknown>): ConfigPatch {
  const vhost = { route: { name: rule.name, action: "ROUTE" } } as const;
  return {
    applyTo: "HTTP_ROUTE",
    match: { context: "GATEWAY", routeConfiguration: { portNumber: HTTPS_PORT, vhost } },
    patch: { operation: "MERGE", value },
  };
}
