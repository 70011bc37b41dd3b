import type { ConfigPatch } from "../../kinds/envoyFilter";
import { HTTP_PORT } from "../../config/resolve/protocols";

/**
 * Turns Istio's filters off on the http listener, which only redirects: external authorization there would send browsers to a login
 * that returns to plain HTTP, where they would send their token in the clear. If the patch does not apply, requests are refused, never
 * admitted.
 */
export function accessScopePatch(): ConfigPatch {
  const filters = ["jwt_authn", "rbac", "ext_authz"].map((name) => [`envoy.filters.http.${name}`, DISABLED]);
  return {
    applyTo: "ROUTE_CONFIGURATION",
    match: { context: "GATEWAY", routeConfiguration: { portNumber: HTTP_PORT } },
    patch: { operation: "MERGE", value: { typed_per_filter_config: Object.fromEntries(filters) } },
  };
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-filterconfig */
const DISABLED = { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true };
