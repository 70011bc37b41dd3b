import { Service } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "../../config";
import { runError } from "../../config/load/runError";
import { dependsOnAddress } from "../../config/resolve/entrance";
import { tellsClients } from "../../config/schema/entry/clientAddress";
import { ConfigError, type Problem } from "../../config/values/problem";
import { servingPorts } from "../../config/resolve/model";
import { HTTP_PORT } from "../../config/resolve/protocols";
import { proxyLabels } from "../shared/naming";

/** What is read of the Service of an existing gateway. */
export interface ExistingService {
  readonly type?: string;
  readonly externalTrafficPolicy?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly port: number; readonly targetPort?: number | string }[];
}

/**
 * Checks the Service of an existing gateway before anything is created, in previews too: filters and policies that select other
 * Pods than its would guard nothing.
 * @param name Resource name for the Service that is read.
 * @param stack Any result of `gatewayConfig()`. Without `gateway.existing` nothing is checked, and with `renderDirectory` neither.
 * @param opts With the cluster's provider.
 * @throws {pulumi.RunError} that lists what does not fit.
 */
export async function requireExistingGateway(
  name: string,
  stack: Pick<StackConfig, "gateway" | "services" | "streams" | "kubernetes">,
  opts: pulumi.CustomResourceOptions,
): Promise<void> {
  const { gateway, kubernetes } = stack;
  if (gateway.existing === undefined || kubernetes.renderDirectory !== undefined) {
    return;
  }
  const { spec } = Service.get(name, `${gateway.namespace}/${gateway.existing.service}`, opts);
  const problems = await new Promise<Problem[]>((resolve) =>
    spec.apply((found: ExistingService) => resolve(existingServiceProblems(stack, found))),
  );
  if (problems.length > 0) {
    throw runError(new ConfigError(pulumi.getProject(), problems).message);
  }
}

/** What of the Service does not fit the stack. */
export function existingServiceProblems(
  { gateway, services, streams }: Pick<StackConfig, "gateway" | "services" | "streams">,
  { type, externalTrafficPolicy, selector = {}, ports = [] }: ExistingService,
): Problem[] {
  const problems: Problem[] = [];
  const labels = proxyLabels(gateway);
  if (Object.entries(labels).some(([key, value]) => selector[key] !== value)) {
    const expected = `labels by which the Service selects its Pods: ${JSON.stringify(selector)}`;
    problems.push({ path: "gateway.existing.selector", value: labels, expected });
  }
  const at = { path: "gateway.existing.service", value: gateway.existing?.service };
  const leads = (wanted: number) => ports.some(({ port, targetPort = port }) => port === wanted && targetPort === port);
  const needed = [
    ...new Set([HTTP_PORT, ...servingPorts({ services }), ...streams.map(({ listenPort }) => listenPort)]),
  ];
  if (!needed.every(leads)) {
    const expected = `a Service whose ports ${needed.slice(0, -1).join(", ")} and ${needed.at(-1) ?? ""} lead to the same ports of its Pods, as in Istio's chart gateway`;
    problems.push({ ...at, expected });
  }
  const reader = [...services, ...streams].find(dependsOnAddress)?.name;
  const isHidden = type !== "ClusterIP" && externalTrafficPolicy !== "Local" && !tellsClients(gateway.clientAddress);
  if (reader !== undefined && isHidden) {
    const expected = `a Service with externalTrafficPolicy Local: with Cluster, proxies see node addresses, but ${reader} needs client addresses`;
    problems.push({ ...at, expected });
  }
  return problems;
}
