import type { Service } from "../../config";
import type { Retry } from "../../config/schema/routing/retry";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { byRule, filterByRoute, NO_ACTION } from "../shared/filterByRoute";
import { headerMutation, setHeader } from "../shared/headerMutation";

/**
 * Fixes Istio's translation of an HTTPRoute's `retry`: it does not retry tries that timed out or were reset, as the Gateway API
 * requires, and it retries failed connections twice even if nothing should be retried. The router adds what these headers say to
 * the route's own policy, and removes them. Empty if no rule sets a retry.
 */
export function retryPatches(services: readonly Service[]): ConfigPatch[] {
  const filters = byRule(services, ({ retry }) =>
    retry === undefined
      ? NO_ACTION
      : headerMutation(Object.entries(retryHeaders(retry)).map(([key, value]) => setHeader(key, value))),
  );
  return filterByRoute({ feature: "retry", place: "last", by: "rule", filters });
}

/** What Istio sets for a retry without codes, plus `reset`, which includes tries that timed out. */
const CONNECTION_ERRORS = "connect-failure,refused-stream,unavailable,cancelled,reset";

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on */
export function retryHeaders(retry: Retry | false): Record<string, string> {
  if (retry === false) {
    return { "x-envoy-max-retries": "0" };
  }
  return {
    "x-envoy-retry-on": retry.codes === undefined ? CONNECTION_ERRORS : `${CONNECTION_ERRORS},retriable-status-codes`,
  };
}
