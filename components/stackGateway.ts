import type * as pulumi from "@pulumi/pulumi";
import { UnifiedGateway, type UnifiedGatewayArgs } from "./unifiedGateway";

/**
 * The gateway of a stack. Nothing by which Pulumi or Kubernetes know its objects holds the Gateway's own name or namespace: if
 * one changes, an object is updated, or replaced by one of another name. Otherwise Pulumi would create it as a new resource and
 * then delete it as the old one.
 */
export function stackGateway(
  args: Omit<UnifiedGatewayArgs, "fieldManager">,
  stack: string,
  opts: pulumi.ComponentResourceOptions,
): UnifiedGateway {
  return new UnifiedGateway(
    "gateway",
    { ...args, fieldManager: `istio-gateway/${stack}` },
    // Resources were once named after the Gateway.
    { ...opts, aliases: [{ name: args.gateway.name }] },
  );
}
