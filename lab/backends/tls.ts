import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { TLSSocket } from "node:tls";
import { makeKey, selfSign } from "../plugins/tls/certificates";

/** What a backend shows in handshakes, in PEM. */
interface Identity {
  readonly key: string;
  readonly cert: string;
  /** CAs of the certificates that it requires of clients. Undefined: it requires none. */
  readonly ca?: string;
}

/**
 * That of the files `FOLDER/NAMESPACE.SERVICE.{key,crt}`, with `….clients.crt` if it requires certificates of clients; by default
 * a self-signed one for SERVICE.backend.
 */
export async function identityOf(
  folder: string,
  { namespace, service }: { namespace: string; service: string },
): Promise<Identity> {
  const file = (suffix: string) => `${folder}/${namespace}.${service}.${suffix}`;
  const read = (suffix: string) => readFileSync(file(suffix), "utf8");
  if (existsSync(file("crt"))) {
    return {
      key: read("key"),
      cert: read("crt"),
      ca: existsSync(file("clients.crt")) ? read("clients.crt") : undefined,
    };
  }
  const { privateKeyPem } = makeKey({ algorithm: "ECDSA", ecdsaCurve: "P256" });
  const name = `${service}.backend`;
  const { certPem } = await selfSign({
    ...{ privateKeyPem, subject: { commonName: name }, dnsNames: [name] },
    ...{ validityPeriodHours: 24 * 30, isCaCertificate: false, allowedUses: [] },
  });
  return { key: privateKeyPem, cert: certPem };
}

/** HTTP/1.1 and HTTP/2 over TLS, as the client asks by ALPN. */
export function secureServer(
  { key, cert, ca }: Identity,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Http2SecureServer {
  const clients = { ca, requestCert: ca !== undefined, rejectUnauthorized: ca !== undefined };
  // The compatible part of HTTP/2's requests is all that the listener uses.
  return createSecureServer({ key, cert, ...clients, allowHTTP1: true }, listener as never);
}

/** What was agreed in a connection's handshake; undefined in plain text. */
export function handshakeOf({ socket, httpVersion }: IncomingMessage): object | undefined {
  // Of HTTP/2's requests it is a stand-in with the same properties.
  const { encrypted, servername, remotePort, getPeerCertificate } = socket as Partial<TLSSocket> & {
    servername?: string;
  };
  const certificate = getPeerCertificate?.call(socket) as { subject?: { CN: string } } | undefined;
  return encrypted === true
    ? { sni: servername, httpVersion, client: certificate?.subject?.CN, remotePort }
    : undefined;
}
