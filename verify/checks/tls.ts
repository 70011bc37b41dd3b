import type { SecureVersion } from "node:tls";
import { proxyName } from "../../components/shared/naming";
import { handshake } from "../client";
import { someHost } from "../hosts";
import { keyExchange, type KeyExchange } from "../keyExchange";
import { row, type Row } from "../row";
import type { Target } from "../target";

/** Security level 0 lets the client offer what it would otherwise refuse. */
export const ANYTHING = "DEFAULT:@SECLEVEL=0";
/** Ciphers without forward secrecy, or without AEAD. */
export const WEAK = "AES128-SHA:AES256-SHA:AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0";

const VERSIONS: readonly (readonly [version: SecureVersion, name: string])[] = [
  ["TLSv1", "TLS 1.0"],
  ["TLSv1.1", "TLS 1.1"],
  ["TLSv1.2", "TLS 1.2"],
  ["TLSv1.3", "TLS 1.3"],
];

/** Protocol versions, ciphers and key exchange of the https listener. */
export async function checkTls({ config, route }: Target): Promise<Row[]> {
  const { name, namespace } = config.gateway;
  const { host, port } = someHost(config);
  const more = `kubectl get gateway ${name} -n ${namespace} -o yaml; istioctl proxy-config listeners deploy/${proxyName(config.gateway)} -n ${namespace} --port ${port} -o json`;
  const versions = VERSIONS.map(async ([version, label]) => {
    const wanted = label >= `TLS ${config.gateway.tls.minVersion}`;
    const seen = await handshake(host, route, { port, minVersion: version, maxVersion: version, ciphers: ANYTHING });
    const what = `${label} is ${wanted ? "accepted" : "refused"}`;
    return row("tls", what, seen.succeeded === wanted, seen.succeeded ? seen.cipher : "refused", {
      cause: wanted ? `no handshake: ${seen.error ?? ""}` : "the mesh sets a lower minimum (meshConfig.tlsDefaults)",
      more,
    });
  });
  const weak = handshake(host, route, { port, maxVersion: "TLSv1.2", ciphers: WEAK }).then((seen) =>
    row("tls", "weak ciphers are refused", !seen.succeeded, seen.succeeded ? seen.cipher : "refused", {
      cause: "the listener's cipher list is not the configured one",
      more,
    }),
  );
  const http2 = handshake(host, route, { port }).then((seen) =>
    row("tls", "HTTP/2 is negotiated", seen.alpn === "h2", seen.alpn || (seen.error ?? "no protocol"), {
      cause: "the listener does not offer h2, so it is not this gateway's",
      more,
    }),
  );
  const groups = keyExchange(host, route, port).then((seen) => keyExchangeRow(config.gateway.tls.groups, seen, more));
  return Promise.all([...versions, weak, groups, http2]);
}

/** @param wanted False if they are Envoy's, whichever it has. */
function keyExchangeRow(wanted: readonly string[] | false, { groups, error }: KeyExchange, more: string): Row {
  const seen = error ?? (groups.join(", ") || "none");
  const what = wanted === false ? "a key exchange is offered" : "key exchange is offered as configured";
  const passed = wanted === false ? groups.length > 0 : groups.join() === wanted.join();
  return row("tls", what, passed, seen, {
    cause:
      error === undefined
        ? "Envoy rejected gateway.tls.groups, or the mesh sets groups of its own (meshConfig.tlsDefaults.ecdhCurves)"
        : "no TLS server answers there",
    more,
  });
}
