import { BUNDLE_CRD } from "../components/cluster/gatewayApiCrds";
import type { StackConfig } from "../config";
import { emittedResources, type EmittedResource } from "./resources";

/** A cluster object that a stack creates, or only reads. */
export interface EmittedObject {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  /** Undefined for cluster-scoped objects. */
  readonly namespace?: string;
  /** Only read. */
  readonly read?: boolean;
}

/** What a stack would create in the cluster. */
export async function emittedObjects(config: StackConfig): Promise<EmittedObject[]> {
  const crd = { group: "apiextensions.k8s.io", kind: "CustomResourceDefinition", name: BUNDLE_CRD };
  const { renderDirectory, istioStack } = config.kubernetes;
  const isAsked = renderDirectory === undefined && istioStack === undefined;
  const { existing, namespace } = config.gateway;
  const service = existing && { group: "", kind: "Service", name: existing.service, namespace, read: true };
  const read: EmittedObject[] = [
    ...(isAsked ? [{ ...crd, read: true }] : []),
    ...(service === undefined || renderDirectory !== undefined ? [] : [service]),
  ];
  const resources = await emittedResources(config, "emitted");
  return [...read, ...resources.flatMap(objectOf)];
}

function objectOf({ type, props }: EmittedResource): EmittedObject[] {
  const [provider, group = "", kind = ""] = type.split(":");
  if (provider !== "kubernetes") {
    return [];
  }
  const { metadata } = props as { metadata: { name: string; namespace?: string } };
  return [
    {
      group: group.includes(".") ? (group.split("/")[0] ?? "") : group.replace(/^core\/.*|\/.*/g, ""),
      kind,
      name: metadata.name,
      namespace: metadata.namespace,
    },
  ];
}
