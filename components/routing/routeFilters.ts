import type { Rule, Service } from "../../config";
import { envoyValue, variablesOf } from "../../config/schema/routing/variables";
import type { HeaderChanges, Rewrite } from "../../config/schema/routing/filters";
import { seconds } from "../../config/values/duration";
import type { HTTPHeaderFilter, HTTPPathModifier, HTTPRouteFilter } from "../../kinds/httpRoute";
import { withHsts } from "./hsts";
import { ASKED_PATH, hasGroups } from "./groupRewrite";
import { redirectFilter } from "./redirectFilter";
import { withoutToken } from "./originalToken";

/** What happens to a rule's requests and responses on the way; undefined if nothing does. */
export function routeFilters(
  rule: Rule<number>,
  service: Pick<Service, "namespace" | "hsts" | "hosts">,
): HTTPRouteFilter[] | undefined {
  const { namespace: routeNamespace, hsts } = service;
  if (rule.respond !== undefined || rule.deny !== undefined) {
    // Envoy's filter answers, with all headers.
    return undefined;
  }
  const { cors, rewrite, mirror } = rule;
  const requestHeaders = rule.redirect === undefined ? withoutToken(rule.requestHeaders, rule.access) : undefined;
  const responseHeaders = withHsts(rule.responseHeaders, hsts);
  const filters: HTTPRouteFilter[] = [];
  if (cors !== undefined) {
    filters.push({ type: "CORS", cors: { ...cors, maxAge: seconds(cors.maxAge) } });
  }
  if (rule.redirect !== undefined) {
    filters.push({ type: "RequestRedirect", requestRedirect: redirectFilter(rule.redirect, rule, service) });
  }
  if (requestHeaders !== undefined) {
    const asked = hasGroups(rewrite) ? ASKED_PATH : undefined;
    filters.push({ type: "RequestHeaderModifier", requestHeaderModifier: headerFilter(requestHeaders, asked) });
  }
  if (responseHeaders !== undefined) {
    filters.push({ type: "ResponseHeaderModifier", responseHeaderModifier: headerFilter(responseHeaders) });
  }
  const path = rewrite && pathModifier(rule, rewrite);
  if (path !== undefined || rewrite?.hostname !== undefined) {
    filters.push({ type: "URLRewrite", urlRewrite: { hostname: rewrite?.hostname, path } });
  }
  if (mirror !== undefined) {
    const namespace = mirror.namespace === routeNamespace ? undefined : mirror.namespace;
    const backendRef = { name: mirror.service, namespace, port: mirror.port };
    filters.push({ type: "RequestMirror", requestMirror: { backendRef, percent: mirror.percent } });
  }
  return filters.length === 0 ? undefined : filters;
}

/** Istio passes values to Envoy as they are. Where a variable has no value, Envoy sets nothing: the client's own is removed first. */
export function headerFilter({ set, add, remove = [] }: HeaderChanges, path?: string): HTTPHeaderFilter {
  const list = (values: HeaderChanges["set"]) =>
    values && Object.entries(values).map(([name, value]) => ({ name, value: envoyValue(value, path) }));
  const varying = Object.entries(set ?? {}).flatMap(([name, value]) => (variablesOf(value).length === 0 ? [] : [name]));
  const removed = [...remove, ...varying];
  return { set: list(set), add: list(add), remove: removed.length === 0 ? undefined : removed };
}

function pathModifier({ path: matched }: Pick<Rule, "path">, { path, prefix }: Rewrite): HTTPPathModifier | undefined {
  if (path !== undefined) {
    // The Gateway API has no groups.
    return hasGroups({ path }) ? undefined : { type: "ReplaceFullPath", replaceFullPath: path };
  }
  if (prefix === undefined) {
    return undefined;
  }
  // Istio strips one slash from the end, but of a request for `/x` it replaces `/`: the result would be `/v1x`.
  const isRoot = matched === "/" && !/^\/?$/.test(prefix);
  return { type: "ReplacePrefixMatch", replacePrefixMatch: isRoot ? `${prefix.replace(/\/$/, "")}//` : prefix };
}
