import type { Service } from "../../config";
import type { Limits } from "../../config/schema/limits/limits";
import { protoDuration } from "../../config/values/duration";
import { bytes } from "../../config/values/quantity";

import type { ConfigPatch } from "../../kinds/envoyFilter";
import { routePatch } from "../shared/envoyPatches";
import { HTTPS_PORT } from "../shared/naming";

const FILTER = "envoy.filters.http.buffer";
const PACKAGE = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3";

/** Limits that each service sets for its own requests. Undefined where no service has any. */
export function limitsPatches(services: readonly Service[]): ConfigPatch[] {
  const routes = services.flatMap((service) => {
    const { limits } = service;
    const value = limits && routeLimits(limits);
    return value === undefined ? [] : service.rules.map((rule) => routePatch(service.host, rule, value));
  });
  const buffers = services.some(({ limits }) => limits?.maxRequestSize !== undefined);
  return [...(buffers ? [FILTER_PATCH] : []), ...routes];
}

/** Last before the router, so that nobody's body is held whom another filter turns away. Off where no route turns it on. */
const FILTER_PATCH: ConfigPatch = {
  applyTo: "HTTP_FILTER",
  match: {
    context: "GATEWAY",
    listener: {
      portNumber: HTTPS_PORT,
      filterChain: {
        filter: {
          name: "envoy.filters.network.http_connection_manager",
          subFilter: { name: "envoy.filters.http.router" },
        },
      },
    },
  },
  patch: {
    operation: "INSERT_BEFORE",
    value: { name: FILTER, disabled: true, typed_config: { "@type": `${PACKAGE}.Buffer`, max_request_bytes: 1 } },
  },
};

/** What the limits change on Envoy's route of a rule. */
function routeLimits({ maxRequestSize, streamIdleTimeout }: Limits): Record<string, unknown> {
  return {
    route: streamIdleTimeout === undefined ? undefined : { idle_timeout: protoDuration(streamIdleTimeout) },
    typed_per_filter_config:
      maxRequestSize === undefined
        ? undefined
        : { [FILTER]: { "@type": `${PACKAGE}.BufferPerRoute`, buffer: { max_request_bytes: bytes(maxRequestSize) } } },
  };
}
