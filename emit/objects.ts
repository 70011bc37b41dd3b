import { BUNDLE_CRD } from "../components/cluster/gatewayApiCrds";
import type { NamedPort, StackConfig } from "../config";
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
    ...(renderDirectory === undefined ? servicesOf(config.namedPorts) : []),
  ];
  const resources = await emittedResources(config, "emitted");
  return [...read, ...resources.flatMap(objectOf)];
}

/** Each Service in which ports are looked up, once. */
function servicesOf(ports: readonly NamedPort[]): EmittedObject[] {
  const services = new Map(ports.map(({ service, namespace }) => [`${namespace}/${service}`, { service, namespace }]));
  return [...services.values()].map(({ service: name, namespace }) => ({
    group: "",
    kind: "Service",
    name,
    namespace,
    read: true,
  }));
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
