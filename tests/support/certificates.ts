// The X.509 library resolves its algorithms by it.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

const DAY_MS = 86_400_000;

export interface TestAuthority {
  certificatePem: string;
  privateKeyPem: string;
}

/** A certificate authority for tests, and its key in PEM. */
export async function testAuthority(validDays: number, isCa = true): Promise<TestAuthority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await selfSigned("Test CA", keys, validDays, isCa);
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { certificatePem: certificate.toString("pem"), privateKeyPem: x509.PemConverter.encode(pkcs8, "PRIVATE KEY") };
}

/** A certificate that signed itself, for these names, and its key in PEM. It began a day before it ends, where it has ended. */
export async function certificateWithKey(dnsNames: readonly string[], validDays: number): Promise<TestAuthority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const names = new x509.SubjectAlternativeNameExtension(dnsNames.map((value) => ({ type: "dns", value })));
  const certificate = await selfSigned(dnsNames[0] ?? "", keys, validDays, false, [names]);
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { certificatePem: certificate.toString("pem"), privateKeyPem: x509.PemConverter.encode(pkcs8, "PRIVATE KEY") };
}

/** A certificate that signed itself, in PEM. */
export async function selfSignedPem(commonName: string): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  return (await selfSigned(commonName, keys, 90, false)).toString("pem");
}

function selfSigned(
  commonName: string,
  keys: webcrypto.CryptoKeyPair,
  validDays: number,
  isCa: boolean,
  more: readonly x509.Extension[] = [],
): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    notBefore: new Date(Date.now() + Math.min(validDays - 1, 0) * DAY_MS),
    notAfter: new Date(Date.now() + validDays * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(isCa), ...more],
  });
}
