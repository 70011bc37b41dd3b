import * as pulumi from "@pulumi/pulumi";
import type { Service } from "../config";
import type { RetryInput } from "../config/retry";
import { EnvoyFilter, type EnvoyFilterSpec } from "../kinds/envoyFilter";
import { gatewayPatches, routePatch } from "./envoyPatches";
import { partOf } from "./naming";

export interface RouteRetryArgs {
  services: readonly Service[];
  gatewayName: string;
  gatewayNamespace: string;
}

/**
 * What Istio makes of an HTTPRoute's `retry`, mended: it retries neither a try that timed out nor one that was reset,
 * as the Gateway API asks, and it retries failed connections twice where nothing should be retried.
 */
export class RouteRetry extends pulumi.ComponentResource {
  constructor(name: string, args: RouteRetryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:RouteRetry", name, {}, opts);
    const { services, gatewayName, gatewayNamespace } = args;
    const spec = routeRetrySpec(services, gatewayName);
    if (spec !== undefined) {
      const metadata = { name: `${gatewayName}--retry`, namespace: gatewayNamespace, labels: partOf(gatewayName) };
      new EnvoyFilter(name, { metadata, spec }, { parent: this });
    }
    this.registerOutputs();
  }
}

/** Undefined where no rule sets a retry. */
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
export function retryOn({ attempts, codes }: RetryInput): string {
  if (attempts === 0) {
    // A merge cannot set a number to 0 or a text to nothing; but of these codes the route has none.
    return CODES;
  }
  return codes === undefined ? CONNECTION_ERRORS : `${CONNECTION_ERRORS},${CODES}`;
}
