import type * as pulumi from "@pulumi/pulumi";

/**
 * Writes every object of a gateway with one server-side apply field manager. An interrupted update is not in Pulumi's state; the
 * next one adopts its objects as the same manager, while a random name would conflict with its own earlier writes.
 * https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/
 * @param adopt Whether to take over other managers' fields; otherwise the update fails and lists them.
 */
export function fieldManager(
  gateway: { readonly name: string; readonly namespace: string },
  adopt: boolean,
): pulumi.ResourceTransformation {
  const own = {
    "pulumi.com/patchFieldManager": `istio-gateway/${gateway.namespace}/${gateway.name}`,
    ...(adopt ? { "pulumi.com/patchForce": "true" } : {}),
  };
  return ({ type, props, opts }) => {
    // A patched object belongs to someone else: it gets only the patch.
    if (!type.startsWith("kubernetes:") || type.endsWith("Patch")) {
      return undefined;
    }
    const { metadata, ...rest } = props as { metadata?: { annotations?: Record<string, string> } };
    const annotations = { ...metadata?.annotations, ...own };
    return { props: { ...rest, metadata: { ...metadata, annotations } }, opts };
  };
}
