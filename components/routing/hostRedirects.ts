import type { Host } from "../../config/resolve/model";
import { grouped } from "../../config/values/grouped";
import type { HTTPRouteFilter, HTTPRouteSpec } from "../../kinds/httpRoute";
import { withHsts } from "./hsts";
import { headerFilter } from "./routeFilters";
import { attachment, type RouteArgs } from "./routeParts";

/**
 * The routes of hosts that redirect to the service's first, by the last part of their names: one for each status. Who may enter
 * is the same as for the first host, and so is HSTS: browsers' preload lists ask for it on the redirect itself.
 */
export function hostRedirectSpecs(args: RouteArgs): Record<string, HTTPRouteSpec> {
  const byStatus = grouped(
    args.service.hosts.filter((host): host is Redirecting => host.redirect !== undefined),
    ({ redirect }) => redirect,
  );
  return Object.fromEntries(
    [...byStatus].map(([status, hosts]) => [`redirect-${status}`, redirectSpec(args, hosts, status)]),
  );
}

type Redirecting = Host & { readonly redirect: NonNullable<Host["redirect"]> };

function redirectSpec(args: RouteArgs, hosts: readonly Host[], statusCode: Redirecting["redirect"]): HTTPRouteSpec {
  const { name, host: hostname, listenPort: port, hsts } = args.service;
  const headers = withHsts(undefined, hsts);
  const filters: HTTPRouteFilter[] = [
    { type: "RequestRedirect", requestRedirect: { scheme: "https", hostname, port, statusCode } },
    ...(headers === undefined
      ? []
      : [{ type: "ResponseHeaderModifier" as const, responseHeaderModifier: headerFilter(headers) }]),
  ];
  return { ...attachment(args, [...hosts]), rules: [{ name: `${name}--redirect-${statusCode}`, filters }] };
}
