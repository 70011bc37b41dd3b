import type { Service } from "../../config";
import type { Retry } from "../../config/schema/routing/retry";
import type { EnvoyFilterSpec } from "../../kinds/envoyFilter";
import { gatewayPatches, routePatch } from "../shared/envoyPatches";

/**
 * What Istio makes of an HTTPRoute's `retry`, mended: it retries neither a try that timed out nor one that was reset,
 * as the Gateway API asks, and it retries failed connections twice where nothing should be retried. Undefined where no
 * rule sets a retry.
 */
export function routeRetrySpec(services: readonly Service[], gatewayName: string): EnvoyFilterSpec | undefined {
  const patches = services.flatMap(({ host, rules }) =>
    rules.flatMap((rule) => {
      const { retry } = rule;
      return retry === undefined
        ? []
        : [routePatch(host, rule, { route: { retry_policy: { retry_on: retryOn(retry) } } })];
    }),
  );
  return patches.length === 0 ? undefined : gatewayPatches(gatewayName, 0, patches);
}

/** What Istio writes for a retry without codes, and `reset`: a try that timed out counts as one. */
const CONNECTION_ERRORS = "connect-failure,refused-stream,unavailable,cancelled,reset";
const CODES = "retriable-status-codes";

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on */
export function retryOn({ attempts, codes }: Retry): string {
  if (attempts === 0) {
    // A merge cannot set a number to 0 or a text to nothing; but of these codes the route has none.
    return CODES;
  }
  return codes === undefined ? CONNECTION_ERRORS : `${CONNECTION_ERRORS},${CODES}`;
}
