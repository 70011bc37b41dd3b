import type { ClientAddress } from "../../config/schema/entry/clientAddress";

/**
 * Annotations for the Gateway's pods, which Istio copies from `spec.infrastructure`: where a proxy finds a client's address.
 * https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#Topology
 */
export function infrastructureAnnotations(clientAddress: ClientAddress | undefined): Record<string, string> {
  if (clientAddress === undefined) {
    return {};
  }
  const { trustedProxies, proxyProtocol } = clientAddress;
  const gatewayTopology = {
    numTrustedProxies: trustedProxies,
    proxyProtocol: proxyProtocol ? {} : undefined,
  };
  return { "proxy.istio.io/config": JSON.stringify({ gatewayTopology }) };
}
