import { makeKey, requestCertificate, selfSign, signRequest } from "../../lab/plugins/tls/certificates";

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
  return selfSigned({ commonName, validDays, isCa, uses: isCa ? ["cert_signing"] : [] });
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
