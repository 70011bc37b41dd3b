import { CustomResourceDefinition } from "@pulumi/kubernetes/apiextensions/v1";
import * as pulumi from "@pulumi/pulumi";
import { runError } from "../../config/load/runError";
import { type FieldUse, prunedFields } from "../../config/resolve/fieldUses";
import { type GatewayApi, gatewayApiSchema } from "../../config/schema/cluster/gatewayApi";
import type { KubernetesConfig } from "../../config/schema/cluster/kubernetes";
import type { TCPRouteVersion } from "../../kinds/streamRoutes";
import { ConfigError } from "../../config/values/problem";

/**
 * Represents its bundle: HTTPRoute's CRD has the same annotations but is 17 times as large, and Pulumi would keep it in the
 * state.
 */
export const BUNDLE_CRD = "gatewayclasses.gateway.networking.k8s.io";
const CHANNEL = "gateway.networking.k8s.io/channel";
const VERSION = "gateway.networking.k8s.io/bundle-version";

/**
 * Checks the cluster's CRDs before anything is created, in previews too: without them an update would fail half-way.
 * @param name Resource name for the CRD that is read.
 * @param uses What the CRDs must have: `fieldUses` of `gatewayConfig()`.
 * @param kubernetes `kubernetes` of `gatewayConfig()`. With `renderDirectory` nothing is checked; with `istioStack` that stack is
 * asked instead of the cluster.
 * @param opts With the cluster's provider.
 * @returns What the CRDs are, as far as they say it.
 * @throws {pulumi.RunError} that lists what the cluster would silently drop.
 */
export async function requireGatewayApi(
  name: string,
  uses: readonly FieldUse[],
  kubernetes: Pick<KubernetesConfig, "renderDirectory" | "istioStack" | "gatewayApi">,
  opts: pulumi.CustomResourceOptions,
): Promise<GatewayApi | undefined> {
  const { renderDirectory, istioStack } = kubernetes;
  if (renderDirectory !== undefined) {
    return kubernetes.gatewayApi;
  }
  const installed = await (istioStack === undefined ? installedGatewayApi(name, opts) : gatewayApiOfStack(istioStack));
  if (uses.length === 0) {
    return installed;
  }
  if (installed === undefined) {
    throw runError(`the CRD ${BUNDLE_CRD} does not say its channel and version: it has no ${CHANNEL} or ${VERSION}`);
  }
  const problems = prunedFields(uses, installed);
  if (problems.length > 0) {
    throw runError(new ConfigError(pulumi.getProject(), problems).message);
  }
  return installed;
}

/** The version of TCPRoute that CRDs have. @param gatewayApi What `requireGatewayApi()` found. Default: the newest. */
export function tcpRouteVersion(gatewayApi: GatewayApi | undefined): TCPRouteVersion {
  const [, minor = "6"] = /^v1\.(\d+)/.exec(gatewayApi?.version ?? "") ?? [];
  return Number(minor) < 6 ? "v1alpha2" : "v1";
}

/** What the cluster's CRDs say about themselves, if anything. If there are none, Pulumi ends the program. */
async function installedGatewayApi(name: string, opts: pulumi.CustomResourceOptions): Promise<GatewayApi | undefined> {
  const { metadata } = CustomResourceDefinition.get(name, BUNDLE_CRD, opts);
  const annotations = await new Promise<Record<string, string> | undefined>((resolve) =>
    metadata.apply((found) => resolve(found.annotations)),
  );
  return gatewayApiSchema.safeParse({ channel: annotations?.[CHANNEL], version: annotations?.[VERSION] }).data;
}

/** What the stack that installed the CRDs says about them: its output `gatewayApi`. */
async function gatewayApiOfStack(stack: string): Promise<GatewayApi> {
  const details = await new pulumi.StackReference(stack).getOutputDetails("gatewayApi");
  const result = gatewayApiSchema.safeParse(details.value);
  if (!result.success) {
    throw runError(
      `the stack ${stack} has no output gatewayApi with a channel and a version: deploy istio/ there first`,
    );
  }
  return result.data;
}
