import * as pulumi from "@pulumi/pulumi";
import type { MockResourceArgs } from "@pulumi/pulumi/runtime";
import { UnifiedGateway } from "../components/unifiedGateway";
import { HTTP_ROUTE_CRD } from "../components/gatewayApiCrds";
import type { StackConfig } from "../config";

/** An object of the cluster that a stack makes, or only patches. */
export interface EmittedObject {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  /** Undefined for objects of the cluster as a whole. */
  readonly namespace?: string;
  readonly patched: boolean;
  /** Only looked at. */
  readonly read?: boolean;
}

/** Runs the program against mocks, without a cluster, and lists what it would make there. */
export async function emittedObjects(config: StackConfig): Promise<EmittedObject[]> {
  const crd = { group: "apiextensions.k8s.io", kind: "CustomResourceDefinition", name: HTTP_ROUTE_CRD };
  const objects: EmittedObject[] = config.fieldUses.length === 0 ? [] : [{ ...crd, patched: false, read: true }];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }: MockResourceArgs) => {
        const [provider, group = "", kind = ""] = type.split(":");
        if (provider === "kubernetes") {
          const { metadata } = inputs as { metadata: { name: string; namespace?: string } };
          objects.push({
            group: group.includes(".") ? (group.split("/")[0] ?? "") : group.replace(/^core\/.*|\/.*/g, ""),
            kind: kind.replace(/Patch$/, ""),
            name: metadata.name,
            namespace: metadata.namespace,
            patched: kind.endsWith("Patch"),
          });
        }
        return { id: `${name}-id`, state: inputs as Record<string, unknown> };
      },
      call: () => ({}),
    },
    "istio-gateway",
    "emitted",
    // A preview: what only an update knows, such as a key, stays unknown.
    true,
  );
  new UnifiedGateway(config.gateway.name, config);
  await pulumi.runtime.disconnect();
  return objects;
}
