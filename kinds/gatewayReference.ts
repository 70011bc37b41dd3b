/**
 * A Gateway in the policy's own namespace: Istio accepts no other, in its root namespace either.
 * https://istio.io/latest/docs/reference/config/type/workload-selector/#PolicyTargetReference
 */
export interface GatewayReference {
  group: "gateway.networking.k8s.io";
  kind: "Gateway";
  name: string;
}

/**
 * What a policy of Istio applies to: Gateways, or the Pods with these labels.
 * https://istio.io/latest/docs/reference/config/type/workload-selector/
 */
export type PolicyTarget =
  | { targetRefs: GatewayReference[]; selector?: undefined }
  | { selector: { matchLabels: Record<string, string> }; targetRefs?: undefined };
