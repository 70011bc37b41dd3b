import type { Service } from "../../config";
import type { Limits } from "../../config/schema/limits/limits";
import { protoDuration } from "../../config/values/duration";
import { bytes } from "../../config/values/quantity";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { lastFilterPatch, routePatch } from "../shared/envoyPatches";

const FILTER = "envoy.filters.http.buffer";
const PACKAGE = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3";

/** Limits that each service sets for its own requests. Empty if no service has any. */
export function limitsPatches(services: readonly Service[]): ConfigPatch[] {
  const routes = services.flatMap((service) => {
    const { limits } = service;
    const value = limits && routeLimits(limits);
    return value === undefined ? [] : service.rules.map((rule) => routePatch(service.host, rule, value));
  });
  const buffers = services.some(({ limits }) => limits?.maxRequestSize !== undefined);
  return [...(buffers ? [FILTER_PATCH] : []), ...routes];
}

/** Right before the router, so that no body is buffered for a request that another filter refuses. */
const FILTER_PATCH = lastFilterPatch(FILTER, { "@type": `${PACKAGE}.Buffer`, max_request_bytes: 1 }, true);

/** What the limits change on a rule's Envoy route. */
function routeLimits({ maxRequestSize, streamIdleTimeout }: Limits): Record<string, unknown> {
  return {
    route: streamIdleTimeout === undefined ? undefined : { idle_timeout: protoDuration(streamIdleTimeout) },
    typed_per_filter_config:
      maxRequestSize === undefined
        ? undefined
        : { [FILTER]: { "@type": `${PACKAGE}.BufferPerRoute`, buffer: { max_request_bytes: bytes(maxRequestSize) } } },
  };
}
