import type { Service } from "../../config";
import type { Limits } from "../../config/schema/limits/limits";
import { protoDuration } from "../../config/values/duration";
import { bytes } from "../../config/values/quantity";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { routePatch } from "../shared/envoyPatches";
import type { FilterConfig } from "../shared/envoyTypes";
import { byRule, filterByRoute, NO_ACTION } from "../shared/filterByRoute";

/** Limits that each service and path sets for its own requests. Empty if none has any. */
export function limitsPatches(services: readonly Service[]): ConfigPatch[] {
  const filters = byRule(services, ({ limits }) =>
    limits?.maxRequestSize === undefined ? NO_ACTION : buffer(limits.maxRequestSize),
  );
  return [...filterByRoute({ feature: "limits", place: "last", by: "rule", filters }), ...idleTimeouts(services)];
}

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/buffer_filter */
function buffer(maxRequestSize: NonNullable<Limits["maxRequestSize"]>): FilterConfig {
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
    max_request_bytes: bytes(maxRequestSize),
  };
}

/** Only a route can have one: no filter of Envoy's knows it. */
function idleTimeouts(services: readonly Service[]): ConfigPatch[] {
  return services
    .flatMap(({ rules }) => rules)
    .flatMap((rule) => {
      const { streamIdleTimeout } = rule.limits ?? {};
      return streamIdleTimeout === undefined
        ? []
        : [routePatch(rule, { route: { idle_timeout: protoDuration(streamIdleTimeout) } })];
    });
}
