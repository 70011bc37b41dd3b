import type * as pulumi from "@pulumi/pulumi";

/**
 * Writes every object of a gateway as one server-side apply field manager: an object that the state has lost is taken up again
 * as the same one, while a random name would share its fields with its predecessor for ever.
 * https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/
 */
export function fieldManager(manager: string): pulumi.ResourceTransformation {
  return ({ type, props, opts }) => {
    if (!type.startsWith("kubernetes:")) {
      return undefined;
    }
    const { metadata, ...rest } = props as { metadata?: { annotations?: Record<string, string> } };
    const annotations = { ...metadata?.annotations, "pulumi.com/patchFieldManager": manager };
    return { props: { ...rest, metadata: { ...metadata, annotations } }, opts };
  };
}
