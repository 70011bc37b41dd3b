import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { gatewayApiSchema } from "../config/schema/cluster/gatewayApi";
import { dnsLabel } from "../config/schema/fields";
import { isConfigSecret } from "../config/load/configSecret";
import { SEALED } from "../config/values/pem";
import { ConfigError, type Problem } from "../config/values/problem";
import { runError } from "../config/load/runError";
import { check } from "../config/load/zodProblems";

const release = z
  .string("a version such as 1.30.2")
  .regex(
    /^1\.\d+\.\d+$/,
    "a release of Istio such as 1.30.2: with a range, the next update could install another version",
  );

const chartsFolder = z
  .string("the URL of a Helm repository, or a folder")
  .min(1, "the URL of a Helm repository, or a folder");

const canarySchema = z
  .strictObject({
    revision: dnsLabel.describe(
      "Name of the revision, such as 1-31-0: `gateway.revision` of the gateways that try it.",
    ),
    istioVersion: release.describe("Version of its chart `istiod`, and of `base` meanwhile."),
    charts: chartsFolder.optional().describe("Where its charts are. Default: as for the other."),
  })
  .describe("A second istiod beside the first, for the gateways that name its revision. Default: none.");

const platformSchema = z.strictObject({
  istioVersion: release.describe("Version of the charts `base` and `istiod`."),
  namespace: dnsLabel.default("istio-system").describe("Where istiod runs. Default istio-system."),
  gatewayApi: gatewayApiSchema.describe("Channel and version of the Gateway API's CRDs."),
  canary: canarySchema.optional(),
  charts: chartsFolder
    .default("https://istio-release.storage.googleapis.com/charts")
    .describe(
      "Where the charts `base` and `istiod` are: a Helm repository, a registry (oci://), or a folder with both, as `helm pull --untar` makes it. Default: Istio's.",
    ),
  crds: z
    .string("a URL or a path")
    .min(1, "a URL or a path")
    .optional()
    .describe("URL or path of the file with the Gateway API's CRDs. Default: that release on GitHub."),
  values: z
    .record(z.string(), z.unknown(), "values of istiod's chart")
    .default({})
    .describe(
      "More values for istiod's chart; maps are merged with those of docs/mesh-config.yaml, anything else replaces them.",
    ),
});

export type PlatformConfig = z.output<typeof platformSchema>;

/** The stack's config. @throws {pulumi.RunError} listing every problem. */
export function platformConfig(): PlatformConfig {
  const config = new pulumi.Config();
  const secret = Object.keys(platformSchema.shape).filter((key) => isConfigSecret(`${config.name}:${key}`));
  if (secret.length > 0) {
    throw platformError(secret.map((path) => ({ path, value: SEALED, expected: NO_SECRET, sensitive: true })));
  }
  return checkedPlatform({
    istioVersion: config.get("istioVersion"),
    namespace: config.get("namespace"),
    gatewayApi: config.getObject("gatewayApi"),
    canary: config.getObject("canary"),
    charts: config.get("charts"),
    crds: config.get("crds"),
    values: config.getObject("values"),
  });
}

const NO_SECRET =
  "no Pulumi secret in it, since all of it ends up in clear text in Pulumi's state and in Helm's release";

function platformError(problems: readonly Problem[]): pulumi.RunError {
  return runError(new ConfigError("istio-platform", problems).message);
}

export function checkedPlatform(values: Record<string, unknown>): PlatformConfig {
  const { value, problems } = check(platformSchema, values, []);
  if (value === undefined) {
    throw platformError(problems);
  }
  return value;
}
