import type { Service } from "../../config";
import type { Retry } from "../../config/schema/routing/retry";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { routePatch } from "../shared/envoyPatches";

/**
 * Fixes Istio's translation of an HTTPRoute's `retry`: it does not retry tries that timed out or were reset, as the Gateway API
 * requires, and it retries failed connections twice even if nothing should be retried. Empty if no rule sets a retry.
 */
export function retryPatches(services: readonly Service[]): ConfigPatch[] {
  return services.flatMap(({ host, rules }) =>
    rules.flatMap((rule) => {
      const { retry } = rule;
      return retry === undefined
        ? []
        : [routePatch(host, rule, { route: { retry_policy: { retry_on: retryOn(retry) } } })];
    }),
  );
}

/** What Istio sets for a retry without codes, plus `reset`, which includes tries that timed out. */
const CONNECTION_ERRORS = "connect-failure,refused-stream,unavailable,cancelled,reset";
const CODES = "retriable-status-codes";

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on */
export function retryOn(retry: Retry | false): string {
  if (retry === false) {
    // A merge cannot set a number to 0 or empty a string, but this route has no such codes, so nothing is retried.
    return CODES;
  }
  return retry.codes === undefined ? CONNECTION_ERRORS : `${CONNECTION_ERRORS},${CODES}`;
}
