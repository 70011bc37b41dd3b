import { createPrivateKey, webcrypto, X509Certificate } from "node:crypto";
import { makeKey, requestCertificate, selfSign, signRequest } from "../../lab/plugins/tls/certificates";
// After that one, which prepares it.
import * as x509 from "@peculiar/x509";

export interface TestAuthority {
  certificatePem: string;
  privateKeyPem: string;
}

/** A certificate and its key, in PEM. */
export type TestCertificate = TestAuthority;

interface Wanted {
  commonName: string;
  validDays?: number;
  dnsNames?: readonly string[];
  isCa?: boolean;
  uses?: readonly string[];
}

/** A certificate authority for tests, with its key in PEM. */
export function testAuthority(validDays: number, isCa = true, commonName = "Test CA"): Promise<TestAuthority> {
  return selfSigned({ commonName, validDays, isCa, uses: isCa ? ["cert_signing", "crl_signing"] : [] });
}

/** A self-signed certificate with an ECDSA key. */
export async function selfSigned(wanted: Wanted): Promise<TestCertificate> {
  const { privateKeyPem } = ecdsaKey();
  const { certPem } = await selfSign({ privateKeyPem, ...inputs(wanted) });
  return { certificatePem: certPem, privateKeyPem };
}

/** A self-signed certificate for these names, with its key. */
export function certificateWithKey(dnsNames: readonly string[], validDays: number): Promise<TestCertificate> {
  return selfSigned({ commonName: dnsNames[0] ?? "", dnsNames, validDays });
}

/** A certificate signed by an authority, with an ECDSA key. */
export async function signedBy(authority: TestAuthority, wanted: Wanted): Promise<TestCertificate> {
  const { privateKeyPem } = ecdsaKey();
  const certRequestPem = await requestCertificate({ privateKeyPem, ...inputs(wanted) });
  const { certPem } = await signRequest({
    certRequestPem,
    caCertPem: authority.certificatePem,
    caPrivateKeyPem: authority.privateKeyPem,
    ...inputs(wanted),
  });
  return { certificatePem: certPem, privateKeyPem };
}

/** A revocation list of an authority with an ECDSA key, in PEM. @param days How long it is valid, from yesterday on. */
export async function revocationList(
  authority: TestAuthority,
  revoked: readonly TestCertificate[],
  days = 30,
): Promise<string> {
  const key = createPrivateKey(authority.privateKeyPem).export({ type: "pkcs8", format: "der" });
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const yesterday = Date.now() - 86_400_000;
  const list = await x509.X509CrlGenerator.create({
    issuer: new x509.X509Certificate(authority.certificatePem).subject,
    thisUpdate: new Date(yesterday),
    nextUpdate: new Date(yesterday + days * 86_400_000),
    entries: revoked.map(({ certificatePem }) => ({
      serialNumber: new X509Certificate(certificatePem).serialNumber.toLowerCase(),
      revocationDate: new Date(yesterday),
      reason: x509.X509CrlReason.keyCompromise,
    })),
    signingAlgorithm: algorithm,
    signingKey: await webcrypto.subtle.importKey("pkcs8", key, algorithm, false, ["sign"]),
  });
  const base64 = Buffer.from(list.rawData).toString("base64").replace(/.{64}/g, "$&\n");
  return `-----BEGIN X509 CRL-----\n${base64}\n-----END X509 CRL-----\n`;
}

function ecdsaKey() {
  return makeKey({ algorithm: "ECDSA", ecdsaCurve: "P256" });
}

function inputs({ commonName, validDays = 90, dnsNames = [], isCa = false, uses = [] }: Wanted) {
  return {
    subject: { commonName },
    dnsNames: [...dnsNames],
    validityPeriodHours: validDays * 24,
    isCaCertificate: isCa,
    allowedUses: [...uses],
  };
}
