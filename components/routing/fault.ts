import type { Service } from "../../config";
import type { Fault } from "../../config/schema/routing/fault";
import { protoDuration } from "../../config/values/duration";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { lastFilterPatch, routePatch } from "../shared/envoyPatches";

/** Not `envoy.filters.http.fault`: Istio has a filter of that name on every listener, in front of CORS, which would act too. */
const FILTER = "unified-gateway.fault";
const TYPE = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";

/** Delays and aborted requests of each service. Empty if no service has any. */
export function faultPatches(services: readonly Service[]): ConfigPatch[] {
  const routes = services.flatMap(({ host, rules, fault }) =>
    fault === undefined
      ? []
      : rules.map((rule) => routePatch(host, rule, { typed_per_filter_config: { [FILTER]: routeFault(fault) } })),
  );
  return routes.length === 0 ? [] : [lastFilterPatch(FILTER, { "@type": TYPE }, true), ...routes];
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/fault/v3/fault.proto */
export function routeFault({ delay, abort }: Fault): Record<string, unknown> {
  const share = (percent: number) => ({ numerator: percent, denominator: "HUNDRED" });
  return {
    "@type": TYPE,
    delay: delay && { fixed_delay: protoDuration(delay.duration), percentage: share(delay.percent) },
    abort: abort && { http_status: abort.status, percentage: share(abort.percent) },
  };
}
