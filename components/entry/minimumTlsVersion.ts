import type { ConfigPatch } from "../../kinds/envoyFilter";
import { HTTPS_PORT } from "../shared/naming";

const TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

/**
 * TLS 1.3 only on this gateway's https listener. The Gateway API has no field for it, and Istio's setting
 * (meshConfig.tlsDefaults) applies to the whole mesh. Istio merges a transport socket of the same name field by field, so
 * certificates and cipher suites are kept.
 */
export function minimumTlsVersionPatches(): ConfigPatch[] {
  return [
    {
      applyTo: "FILTER_CHAIN",
      match: { context: "GATEWAY", listener: { portNumber: HTTPS_PORT } },
      patch: {
        operation: "MERGE",
        value: {
          transport_socket: {
            name: "envoy.transport_sockets.tls",
            typed_config: {
              "@type": TYPE,
              common_tls_context: { tls_params: { tls_minimum_protocol_version: "TLSv1_3" } },
            },
          },
        },
      },
    },
  ];
}
