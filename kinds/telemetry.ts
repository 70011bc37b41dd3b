import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";
import type { PolicyTarget } from "./gatewayReference";

/** https://istio.io/latest/docs/reference/config/telemetry/#Telemetry */
export type TelemetrySpec = PolicyTarget & {
  accessLogging?: { providers: { name: string }[]; filter?: { expression: string } }[];
  tracing?: {
    providers: { name: string }[];
    randomSamplingPercentage: number;
    customTags: Record<string, { formatter: { value: string } }>;
  }[];
};

export interface TelemetryArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: TelemetrySpec;
}

/** `Telemetry` of telemetry.istio.io/v1. */
export class Telemetry extends CustomResource {
  constructor(name: string, args: TelemetryArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "telemetry.istio.io/v1", kind: "Telemetry", ...args }, opts);
  }
}
