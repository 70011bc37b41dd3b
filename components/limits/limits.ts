import type { Service } from "../../config";
import type { Limits } from "../../config/schema/limits/limits";
import { protoDuration } from "../../config/values/duration";

import type { ConfigPatch, EnvoyFilterSpec } from "../../kinds/envoyFilter";
import { gatewayPatches, routePatch } from "../shared/envoyPatches";
import { HTTPS_PORT } from "../shared/naming";

const FILTER = "envoy.filters.http.buffer";
const PACKAGE = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3";

/** Limits that each service sets for its own requests. Undefined where no service has any. */
export function requestLimitsSpec(services: readonly Service[], gatewayName: string): EnvoyFilterSpec | undefined {
  const routes = services.flatMap((service) => {
    const { limits } = service;
    const value = limits && routeLimits(limits);
    return value === undefined ? [] : service.rules.map((rule) => routePatch(service.host, rule, value));
  });
  if (routes.length === 0) {
    return undefined;
  }
  const buffers = services.some(({ limits }) => limits?.maxRequestBytes !== undefined);
  // Not 0, which istioctl takes for none at all: a patch beside a filter of another's then may come too early (IST0151).
  return gatewayPatches(gatewayName, 1, [...(buffers ? [FILTER_PATCH] : []), ...routes]);
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
function routeLimits({ maxRequestBytes, streamIdleTimeout }: Limits): Record<string, unknown> {
  return {
    route: streamIdleTimeout === undefined ? undefined : { idle_timeout: protoDuration(streamIdleTimeout) },
    typed_per_filter_config:
      maxRequestBytes === undefined
        ? undefined
        : { [FILTER]: { "@type": `${PACKAGE}.BufferPerRoute`, buffer: { max_request_bytes: maxRequestBytes } } },
  };
}
