import type { Service } from "../../config";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { finalRulePatch } from "../shared/filterByRoute";
import { hasOwnAccess } from "./byAccess";
import { HTTP_PORT } from "../../config/resolve/protocols";

/** Where Istio's filters act, and which rule a request has when they are done, if a path has an access of its own. */
export function accessScopePatches(services: readonly Service[]): ConfigPatch[] {
  return [scopePatch(), ...(services.some(hasOwnAccess) ? [finalRulePatch()] : [])];
}

/**
 * Turns Istio's filters off on the http listener, which only redirects: external authorization there would send browsers to a login
 * that returns to plain HTTP, where they would send their token in the clear. If the patch does not apply, requests are refused, never
 * admitted.
 */
function scopePatch(): ConfigPatch {
  const filters = ["jwt_authn", "rbac", "ext_authz"].map((name) => [`envoy.filters.http.${name}`, DISABLED]);
  return {
    applyTo: "ROUTE_CONFIGURATION",
    match: { context: "GATEWAY", routeConfiguration: { portNumber: HTTP_PORT } },
    patch: { operation: "MERGE", value: { typed_per_filter_config: Object.fromEntries(filters) } },
  };
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-filterconfig */
const DISABLED = { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true };
