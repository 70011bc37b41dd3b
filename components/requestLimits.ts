import * as pulumi from "@pulumi/pulumi";
import type { Rule, Service } from "../config";
import { protoDuration } from "../config/duration";
import type { LimitsInput } from "../config/hardening";
import { EnvoyFilter, type ConfigPatch, type EnvoyFilterSpec } from "../kinds/envoyFilter";
import { HTTPS_PORT, partOf } from "./naming";

export interface RequestLimitsArgs {
  services: readonly Service[];
  gatewayName: string;
  gatewayNamespace: string;
}

/** Limits that each service sets for its own requests: one EnvoyFilter. None where no service has any. */
export class RequestLimits extends pulumi.ComponentResource {
  constructor(name: string, args: RequestLimitsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:RequestLimits", name, {}, opts);
    const { services, gatewayName, gatewayNamespace } = args;
    const spec = requestLimitsSpec(services, gatewayName);
    if (spec !== undefined) {
      const metadata = {
        name: `${gatewayName}--request-limits`,
        namespace: gatewayNamespace,
        labels: partOf(gatewayName),
      };
      new EnvoyFilter(name, { metadata, spec }, { parent: this });
    }
    this.registerOutputs();
  }
}

const FILTER = "envoy.filters.http.buffer";
const PACKAGE = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3";

/** Undefined where no service has limits of its own. */
export function requestLimitsSpec(services: readonly Service[], gatewayName: string): EnvoyFilterSpec | undefined {
  const routes = services.flatMap((service) => {
    const { limits } = service;
    return limits === undefined ? [] : service.rules.map((rule) => routePatch(service.host, rule, limits));
  });
  if (routes.length === 0) {
    return undefined;
  }
  const buffers = services.some(({ limits }) => limits?.maxRequestBytes !== undefined);
  return {
    // Not targetRefs: Istio 1.26 and older ignore them, and would patch every proxy of the namespace.
    workloadSelector: { labels: { "gateway.networking.k8s.io/gateway-name": gatewayName } },
    priority: 0,
    configPatches: [...(buffers ? [FILTER_PATCH] : []), ...routes],
  };
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

/** Only a route that forwards: a merge into a redirect makes Envoy reject all routes (istio#59043). */
function routePatch(host: string, rule: Rule, limits: LimitsInput): ConfigPatch {
  const { maxRequestBytes, streamIdleTimeout } = limits;
  return {
    applyTo: "HTTP_ROUTE",
    match: {
      context: "GATEWAY",
      routeConfiguration: {
        portNumber: HTTPS_PORT,
        vhost: { name: `${host}:${HTTPS_PORT}`, route: { name: rule.name, action: "ROUTE" } },
      },
    },
    patch: {
      operation: "MERGE",
      value: {
        route: streamIdleTimeout === undefined ? undefined : { idle_timeout: protoDuration(streamIdleTimeout) },
        typed_per_filter_config:
          maxRequestBytes === undefined
            ? undefined
            : { [FILTER]: { "@type": `${PACKAGE}.BufferPerRoute`, buffer: { max_request_bytes: maxRequestBytes } } },
      },
    },
  };
}
