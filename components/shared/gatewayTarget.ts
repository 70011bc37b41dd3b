import type { PolicyTarget } from "../../kinds/gatewayReference";
import { type GatewayRef, proxyLabels } from "./naming";

/**
 * The proxies of a Gateway, for an Istio policy. By reference where Istio makes them: in Istio's root namespace, labels select
 * Pods in every namespace. Those of an existing gateway do not know the Gateway's name.
 */
export function gatewayTarget(gateway: Pick<GatewayRef, "name" | "existing">): PolicyTarget {
  const { name, existing } = gateway;
  return existing === undefined
    ? { targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name }] }
    : { selector: { matchLabels: proxyLabels(gateway) } };
}
