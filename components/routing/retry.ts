import type { Service } from "../../config";
import type { Retry } from "../../config/schema/routing/retry";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { routePatch } from "../shared/envoyPatches";

/**
 * What Istio makes of an HTTPRoute's `retry`, mended: it retries neither a try that timed out nor one that was reset,
 * as the Gateway API asks, and it retries failed connections twice where nothing should be retried. Undefined where no
 * rule sets a retry.
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

/** What Istio writes for a retry without codes, and `reset`: a try that timed out counts as one. */
const CONNECTION_ERRORS = "connect-failure,refused-stream,unavailable,cancelled,reset";
const CODES = "retriable-status-codes";

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on */
export function retryOn(retry: Retry | false): string {
  if (retry === false) {
    // A merge cannot set a number to 0 or a text to nothing; but of these codes the route has none.
    return CODES;
  }
  return retry.codes === undefined ? CONNECTION_ERRORS : `${CONNECTION_ERRORS},${CODES}`;
}
