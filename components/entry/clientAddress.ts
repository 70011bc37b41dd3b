import type { ClientAddress } from "../../config/schema/entry/clientAddress";
import { seconds } from "../../config/values/duration";

/**
 * The annotation `proxy.istio.io/config` of the Gateway's Pods: where a proxy finds a client's address, and how long Envoy drains.
 * https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig
 * @param drain How long connections may finish after their listener has changed or ended: a duration.
 */
export function proxyConfig(clientAddress: ClientAddress | undefined, drain: string): object {
  const { trustedProxies, proxyProtocol } = clientAddress ?? {};
  const gatewayTopology = {
    numTrustedProxies: trustedProxies,
    proxyProtocol: proxyProtocol === true ? {} : undefined,
  };
  return { drainDuration: `${seconds(drain)}s`, ...(clientAddress === undefined ? {} : { gatewayTopology }) };
}
