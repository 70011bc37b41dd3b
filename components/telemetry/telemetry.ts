import * as pulumi from "@pulumi/pulumi";
import type { Rule, Service } from "../../config";
import type { TelemetryConfig } from "../../config/schema/telemetry/telemetry";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { Telemetry, type TelemetrySpec } from "../../kinds/telemetry";
import { lastFilterPatch, routePatch } from "../shared/envoyPatches";
import { percentage } from "../shared/envoyTypes";
import { gatewayTarget } from "../shared/gatewayTarget";
import { type GatewayRef, ownMetadata, SUFFIXES } from "../shared/naming";
import { accessLogFilter } from "./accessLogFilter";
import { filterName } from "../shared/filterByRoute";
import { headerMutation, setHeader } from "../shared/headerMutation";

export interface GatewayTelemetryArgs {
  /** What is logged and traced: `telemetry` of `gatewayConfig()`. Without `accessLogs` and `traces` no object is made. */
  telemetry: TelemetryConfig;
  /** Services that may say which of their requests are logged: `services` of `gatewayConfig()`. */
  services: readonly Service[];
  /** The Gateway that is logged and traced. The object lives in its namespace. */
  gateway: GatewayRef;
}

/** Access log and traces of this gateway; the rest of the mesh is not affected. */
export class GatewayTelemetry extends pulumi.ComponentResource {
  constructor(name: string, args: GatewayTelemetryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:GatewayTelemetry", name, {}, opts);
    const spec = telemetrySpec(args);
    if (spec !== undefined) {
      new Telemetry(name, { metadata: ownMetadata(args.gateway, SUFFIXES.telemetry), spec }, { parent: this });
    }
    this.registerOutputs();
  }
}

/** Undefined if the stack leaves both to the mesh. */
export function telemetrySpec(args: GatewayTelemetryArgs): TelemetrySpec | undefined {
  const { accessLogs, traces } = args.telemetry;
  if (accessLogs === undefined && traces === undefined) {
    return undefined;
  }
  return {
    ...gatewayTarget(args.gateway),
    accessLogging: accessLogs && [
      { providers: [{ name: accessLogs.provider }], filter: filterOf(accessLogFilter(args.services, accessLogs)) },
    ],
    tracing: traces && [
      {
        providers: [{ name: traces.provider }],
        randomSamplingPercentage: traces.samplePercent,
        customTags: SPAN_TAGS,
      },
    ],
  };
}

function filterOf(expression: string | undefined): { expression: string } | undefined {
  return expression === undefined ? undefined : { expression };
}

/** The rule's name, and the URL without its query, which may contain tokens. Envoy's own tag has the full URL. */
const SPAN_TAGS = {
  "gateway.route": { formatter: { value: "%ROUTE_NAME%" } },
  "http.url": { formatter: { value: "%REQ(:SCHEME)%://%REQ(:AUTHORITY)%%PATH(NQ)%" } },
};

/** What the Telemetry API cannot set: counters per rule, and the share of a rule's requests that is traced. */
export function routeTelemetryPatches({
  services,
  telemetry,
}: Pick<GatewayTelemetryArgs, "services" | "telemetry">): ConfigPatch[] {
  const traced = services
    .flatMap(({ rules }) => rules)
    .flatMap((rule) => {
      const value = tracing(rule);
      return value === undefined ? [] : [routePatch(rule, value)];
    });
  return [...(telemetry.metrics === undefined ? [] : [countersPatch()]), ...traced];
}

/**
 * The router counts a request a second time under the name in this header, which it removes. Counters that belong to the route
 * (`stat_prefix`) are made again for all routes whenever one changes: with 1,000 routes that took Envoy 0.8 s.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-upstream-alt-stat-name
 */
function countersPatch(): ConfigPatch {
  const name = setHeader("x-envoy-upstream-alt-stat-name", "%ROUTE_NAME%");
  return lastFilterPatch(filterName("counters"), headerMutation([name]));
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-tracing */
function tracing({ telemetry }: Rule): Record<string, unknown> | undefined {
  return telemetry.traces === undefined
    ? undefined
    : { tracing: { random_sampling: percentage(telemetry.traces.samplePercent) } };
}
