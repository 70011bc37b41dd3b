import { NamespacePatch } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { type GatewayRef, routesLabel } from "../shared/naming";

export interface RouteNamespacesArgs {
  /** The Gateway that they attach to; its `allowedRoutes` is Selector. */
  gateway: Pick<GatewayRef, "name">;
  /** Namespaces of the services, which must exist; each is labelled once. */
  namespaces: readonly string[];
}

/**
 * Lets routes in some namespaces attach to the Gateway, by the label that its listener selects. The namespaces themselves belong
 * to others: only the label is applied, and removed on destroy.
 */
export class RouteNamespaces extends pulumi.ComponentResource {
  constructor(name: string, args: RouteNamespacesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:RouteNamespaces", name, {}, opts);
    for (const namespace of new Set(args.namespaces)) {
      new NamespacePatch(
        `${name}-${namespace}`,
        { metadata: { name: namespace, labels: routesLabel(args.gateway) } },
        { parent: this },
      );
    }
    this.registerOutputs();
  }
}
