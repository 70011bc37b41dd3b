import type { GatewayReference } from "../../kinds/gatewayReference";
import type { GatewayRef } from "./naming";

/**
 * What an Istio policy in the Gateway's namespace applies to. A selector of labels would do less: in Istio's root namespace it
 * selects Gateways of that name in every namespace.
 */
export function gatewayTarget({ name }: Pick<GatewayRef, "name">): GatewayReference {
  return { group: "gateway.networking.k8s.io", kind: "Gateway", name };
}
