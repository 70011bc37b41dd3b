import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { gatewayApiSchema } from "../config/schema/cluster/gatewayApi";
import { dnsLabel } from "../config/schema/fields";
import { ConfigError } from "../config/values/problem";
import { runError } from "../config/load/runError";
import { check } from "../config/load/zodProblems";

const platformSchema = z.strictObject({
  istioVersion: z
    .string("a version such as 1.30.2")
    .regex(
      /^1\.\d+\.\d+$/,
      "a release of Istio such as 1.30.2: with a range, the next update could install another version",
    )
    .describe("Version of the charts `base` and `istiod`."),
  namespace: dnsLabel.default("istio-system").describe("Where istiod runs. Default istio-system."),
  gatewayApi: gatewayApiSchema.describe("Channel and version of the Gateway API's CRDs."),
});

export type PlatformConfig = z.output<typeof platformSchema>;

/** The stack's config. @throws {pulumi.RunError} listing every problem. */
export function platformConfig(): PlatformConfig {
  const config = new pulumi.Config();
  return checkedPlatform({
    istioVersion: config.get("istioVersion"),
    namespace: config.get("namespace"),
    gatewayApi: config.getObject("gatewayApi"),
  });
}

export function checkedPlatform(values: Record<string, unknown>): PlatformConfig {
  const { value, problems } = check(platformSchema, values, []);
  if (value === undefined) {
    throw runError(new ConfigError("istio-platform", problems).message);
  }
  return value;
}
