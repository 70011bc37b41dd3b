import type { Service } from "../../config";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { HTTP_PORT, HTTPS_PORT } from "../shared/naming";

/**
 * Where the policies' filters are disabled. Each entry only disables a filter for a host that does not use it: if the patch does
 * not apply, requests are refused, never admitted.
 *
 * - A RequestAuthentication validates tokens on every host, and would refuse those that a service without `jwt` checks itself.
 * - The http listener only redirects. External authorization there would send browsers to a login that returns to plain HTTP,
 *   where they would send their token in the clear.
 */
export function accessScopePatches(services: readonly Service[], domain: string): ConfigPatch[] {
  const hasJwt = (service: Service) => service.access?.jwt !== undefined;
  const open = services.some(hasJwt) ? services.filter((service) => !hasJwt(service)) : [];
  return [
    turnOff(`*.${domain}`, HTTP_PORT, [JWT, RBAC, EXTERNAL_AUTHORIZATION]),
    ...[...new Set(open.map(({ host }) => host))].map((host) => turnOff(host, HTTPS_PORT, [JWT])),
  ];
}

const JWT = "envoy.filters.http.jwt_authn";
const RBAC = "envoy.filters.http.rbac";
const EXTERNAL_AUTHORIZATION = "envoy.filters.http.ext_authz";

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-filterconfig */
const DISABLED = { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true };

function turnOff(host: string, portNumber: number, filters: readonly string[]): ConfigPatch {
  return {
    applyTo: "VIRTUAL_HOST",
    match: {
      context: "GATEWAY",
      routeConfiguration: { portNumber, vhost: { name: `${host}:${portNumber}` } },
    },
    patch: {
      operation: "MERGE",
      value: { typed_per_filter_config: Object.fromEntries(filters.map((name) => [name, DISABLED])) },
    },
  };
}
