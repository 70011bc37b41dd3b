import type { Rule } from "../../config";
import { grpcMethod } from "../../config/values/grpcPath";
import type { GRPCRouteFilter, GRPCRouteMatch, GRPCRouteSpec } from "../../kinds/grpcRoute";
import type { HTTPRouteFilter } from "../../kinds/httpRoute";
import { routeFilters } from "./routeFilters";
import { attachment, requestBackendRefs, valueMatches, type RouteArgs } from "./routeParts";

/** The route of a gRPC service: its paths are `/SERVICE/METHOD`, as on the wire. */
export function grpcRouteSpec(args: RouteArgs): GRPCRouteSpec {
  const { rules, namespace } = args.service;
  return {
    ...attachment(args),
    rules: rules.map((rule) => ({
      name: rule.name,
      matches: matches(rule),
      filters: routeFilters(rule, args.service)?.filter(isForGrpc),
      backendRefs: rule.backends.length === 0 ? undefined : requestBackendRefs(rule, namespace),
    })),
  };
}

/** Undefined if every call matches. */
function matches({ path, match }: Rule): GRPCRouteMatch[] | undefined {
  const method = grpcMethod(path);
  const headers = valueMatches(match?.headers);
  if (method === undefined && headers === undefined) {
    return undefined;
  }
  return [{ method: method && { type: "Exact", ...method }, headers }];
}

/** The config check refuses rewrites for gRPC, so nothing is lost here. */
function isForGrpc(filter: HTTPRouteFilter): filter is GRPCRouteFilter {
  return filter.type !== "URLRewrite" && filter.type !== "RequestRedirect";
}
