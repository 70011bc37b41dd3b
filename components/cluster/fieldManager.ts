import type * as pulumi from "@pulumi/pulumi";

/**
 * Makes one field manager of server-side apply write every object of a gateway. An update that was cut off is not in
 * Pulumi's state: the next one takes up its objects as the same manager, where a name made at random would conflict with
 * its own past.
 * https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/
 * @param adopt Whether fields of other managers are taken over; else the update stops, and names them.
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
    // A patch is of an object that is another's: it gets nothing but the patch.
    if (!type.startsWith("kubernetes:") || type.endsWith("Patch")) {
      return undefined;
    }
    const { metadata, ...rest } = props as { metadata?: { annotations?: Record<string, string> } };
    const annotations = { ...metadata?.annotations, ...own };
    return { props: { ...rest, metadata: { ...metadata, annotations } }, opts };
  };
}
