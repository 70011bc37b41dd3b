import { writeFileSync } from "node:fs";
import { makeKey, requestCertificate, selfSign, signRequest } from "../../../lab/plugins/tls/certificates";
import { labPath } from "../../../lab/state";

/** A CA that a test makes. */
export interface Authority {
  readonly caCertPem: string;
  readonly caPrivateKeyPem: string;
}

/** A key and its certificate, in PEM. */
export interface Signed {
  readonly key: string;
  readonly crt: string;
}

const DAY = 24;

export async function makeAuthority(commonName: string): Promise<Authority> {
  const { privateKeyPem } = makeKey({ algorithm: "ECDSA", ecdsaCurve: "P256" });
  const ca = { isCaCertificate: true, allowedUses: ["cert_signing"], validityPeriodHours: DAY };
  const { certPem } = await selfSign({ privateKeyPem, subject: { commonName }, ...ca });
  return { caCertPem: certPem, caPrivateKeyPem: privateKeyPem };
}

/** @param hours Its lifetime; one below 0 has ended. */
export async function sign(by: Authority, name: string, hours = DAY): Promise<Signed> {
  const { privateKeyPem } = makeKey({ algorithm: "ECDSA", ecdsaCurve: "P256" });
  const certRequestPem = await requestCertificate({ privateKeyPem, subject: { commonName: name }, dnsNames: [name] });
  const uses = { allowedUses: ["server_auth", "client_auth"], validityPeriodHours: hours };
  const { certPem } = await signRequest({ certRequestPem, ...by, ...uses });
  return { key: privateKeyPem, crt: certPem };
}

/** What a TLS backend of the lab shows, from when its port opens. */
export function identify(namespace: string, service: string, { key, crt }: Signed): void {
  writeFileSync(labPath(`${namespace}.${service}.key`), key);
  writeFileSync(labPath(`${namespace}.${service}.crt`), crt);
}
