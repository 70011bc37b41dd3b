import type { Service } from "../../config";
import type { Fault } from "../../config/schema/routing/fault";
import { protoDuration } from "../../config/values/duration";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { type FilterConfig, percentage } from "../shared/envoyTypes";
import { byRule, filterByRoute, NO_ACTION } from "../shared/filterByRoute";

/** Delays and aborted requests of each service. Empty if no service has any. */
export function faultPatches(services: readonly Service[]): ConfigPatch[] {
  const filters = byRule(services, (_, { fault }) => (fault === undefined ? NO_ACTION : faultFilter(fault)));
  return filterByRoute({ feature: "fault", place: "last", by: "rule", filters });
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/fault/v3/fault.proto */
export function faultFilter({ delay, abort }: Fault): FilterConfig {
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
    delay: delay && { fixed_delay: protoDuration(delay.duration), percentage: percentage(delay.percent) },
    abort: abort && { http_status: abort.status, percentage: percentage(abort.percent) },
  };
}
