import type { Rule, Service } from "../../config";
import { milliseconds } from "../../config/values/duration";
import { DEFAULT_BACKEND_REQUEST } from "../../config/schema/routing/timeouts";
import { sameContent } from "../../config/values/sameContent";
import type { Retry } from "../../config/schema/routing/retry";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import type { FilterConfig } from "../shared/envoyTypes";
import { filterByRoute, NO_ACTION } from "../shared/filterByRoute";
import { headerMutation, setHeader } from "../shared/headerMutation";

/**
 * Tells the router by headers, which it removes, what Istio's translation of an HTTPRoute leaves out:
 *
 * - How long a backend may take to begin its answer. Istio limits the whole request instead, unless there is a retry.
 * - That tries which timed out or were reset are retried, as the Gateway API requires, and that failed connections are not if
 *   nothing should be retried: Istio retries them twice.
 *
 * Rules with nothing but the default time have no entry: all names of rules match one expression. Empty if all rules are gRPC's.
 */
export function retryPatches(services: readonly Service[]): ConfigPatch[] {
  const all = services.flatMap(({ rules }) => rules.map((rule) => ({ name: rule.name, headers: routerHeaders(rule) })));
  if (all.every(({ headers }) => Object.keys(headers).length === 0)) {
    return [];
  }
  const others = all.filter(({ headers }) => !sameContent(headers, DEFAULT));
  const filters = new Map(others.map(({ name, headers }) => [name, filterOf(headers)]));
  const pattern = others.length < all.length ? { regex: RULES, filter: filterOf(DEFAULT) } : undefined;
  return filterByRoute({ feature: "retry", place: "last", by: "rule", filters, pattern });
}

/** Names of the program's rules, `SERVICE--RULE`, and of nobody else's on the same Pods. */
const RULES = "[a-z0-9-]*[a-z0-9]--.+";

/** What Istio sets for a retry without codes, plus `reset`, which includes tries that timed out. */
const CONNECTION_ERRORS = "connect-failure,refused-stream,unavailable,cancelled,reset";

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#http-headers-consumed-from-downstream-clients */
export function routerHeaders({ retry, timeouts }: Pick<Rule, "retry" | "timeouts">): Record<string, string> {
  const limit = milliseconds(timeouts.backendRequest ?? "0s");
  return {
    ...(retry === undefined ? {} : retryHeaders(retry)),
    ...(limit === 0 ? {} : { "x-envoy-upstream-rq-per-try-timeout-ms": String(limit) }),
  };
}

function retryHeaders(retry: Retry | false): Record<string, string> {
  if (retry === false) {
    return { "x-envoy-max-retries": "0" };
  }
  return {
    "x-envoy-retry-on": retry.codes === undefined ? CONNECTION_ERRORS : `${CONNECTION_ERRORS},retriable-status-codes`,
  };
}

/** What rules have that set nothing. */
const DEFAULT = routerHeaders({
  retry: undefined,
  timeouts: { request: "0s", backendRequest: DEFAULT_BACKEND_REQUEST },
});

function filterOf(headers: Record<string, string>): FilterConfig | typeof NO_ACTION {
  const all = Object.entries(headers);
  return all.length === 0 ? NO_ACTION : headerMutation(all.map(([key, value]) => setHeader(key, value)));
}
