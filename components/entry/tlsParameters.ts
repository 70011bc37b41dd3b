import type { StackConfig } from "../../config";
import type { TlsConfig } from "../../config/schema/entry/tls";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { HTTPS_PORT } from "../../config/resolve/protocols";

const TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

/**
 * Minimum version and key-exchange groups, which neither the Gateway API nor Istio's options of a listener can set;
 * meshConfig.tlsDefaults applies to the whole mesh. Istio merges a transport socket of the same name field by field, so certificates
 * and cipher suites are kept; to a list it appends.
 *
 * The filter chain of each listener that ends TLS is found by its server name: else the merge would change chains of other Gateways on
 * the same Pods, and give a transport socket to those that pass TLS through. The chain for every host has no name, so with it one patch
 * is for all chains of the port.
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/transport_sockets/tls/v3/common.proto
 */
export function tlsParametersPatches(
  { minVersion, groups }: Pick<TlsConfig, "minVersion" | "groups">,
  config: Pick<StackConfig, "listeners" | "streams">,
): ConfigPatch[] {
  const parameters = {
    ...(minVersion === "1.3" ? { tls_minimum_protocol_version: "TLSv1_3" } : {}),
    ...(groups === false ? {} : { ecdh_curves: groups }),
  };
  if (Object.keys(parameters).length === 0) {
    return [];
  }
  const value = {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: { "@type": TYPE, common_tls_context: { tls_params: parameters } },
    },
  };
  return chainsWithTls(config).map((listener) => ({
    applyTo: "FILTER_CHAIN",
    match: { context: "GATEWAY", listener },
    patch: { operation: "MERGE", value },
  }));
}

function chainsWithTls({ listeners, streams }: Pick<StackConfig, "listeners" | "streams">) {
  const everyHost = listeners.some(({ hostname }) => hostname === undefined);
  const own = [
    ...listeners.map(({ port: portNumber, hostname }) => ({ portNumber, hostname })),
    ...streams.flatMap(({ listenPort: portNumber, listeners }) =>
      listeners.filter(({ secretNames }) => secretNames.length > 0).map(({ hostname }) => ({ portNumber, hostname })),
    ),
  ].flatMap(({ portNumber, hostname }) =>
    hostname === undefined || (everyHost && portNumber === HTTPS_PORT)
      ? []
      : [{ portNumber, filterChain: { sni: hostname } }],
  );
  return everyHost ? [{ portNumber: HTTPS_PORT }, ...own] : own;
}
