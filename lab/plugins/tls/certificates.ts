// The X.509 library needs it to resolve its algorithms.
import "reflect-metadata";
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  webcrypto,
  X509Certificate,
} from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Properties } from "../server";

type CryptoProvider = Parameters<typeof x509.cryptoProvider.set>[0];
x509.cryptoProvider.set(webcrypto as unknown as CryptoProvider);

const HOUR_MS = 3_600_000;

const KEY_USES: Readonly<Record<string, number>> = {
  digital_signature: x509.KeyUsageFlags.digitalSignature,
  key_encipherment: x509.KeyUsageFlags.keyEncipherment,
  cert_signing: x509.KeyUsageFlags.keyCertSign,
  crl_signing: x509.KeyUsageFlags.cRLSign,
};

const EXTENDED_USES: Readonly<Record<string, string>> = {
  server_auth: x509.ExtendedKeyUsage.serverAuth,
  client_auth: x509.ExtendedKeyUsage.clientAuth,
};

interface Keys {
  privateKey: webcrypto.CryptoKey;
  publicKey: webcrypto.CryptoKey;
}

export interface Issued {
  certPem: string;
  validityStartTime: string;
  validityEndTime: string;
}

/** A private key in all of the official provider's formats. */
export function makeKey(inputs: Properties): {
  privateKeyPem: string;
  privateKeyPemPkcs8: string;
  publicKeyPem: string;
} {
  const { privateKey, publicKey } =
    inputs.algorithm === "ECDSA"
      ? generateKeyPairSync("ec", {
          namedCurve: ((inputs.ecdsaCurve as string | undefined) ?? "P224").replace(/^P(\d+)$/, "P-$1"),
        })
      : generateKeyPairSync("rsa", { modulusLength: Number(inputs.rsaBits ?? 2048) });
  const traditional = inputs.algorithm === "ECDSA" ? "sec1" : "pkcs1";
  return {
    privateKeyPem: privateKey.export({ type: traditional, format: "pem" }) as string,
    privateKeyPemPkcs8: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }) as string,
  };
}

export async function selfSign(inputs: Properties): Promise<Issued> {
  const keys = await importKeys(String(inputs.privateKeyPem));
  const name = subject(inputs);
  return issue(inputs, {
    name,
    issuer: name,
    publicKey: await x509.PublicKey.create(keys.publicKey),
    signer: keys,
    authority: undefined,
  });
}

export async function requestCertificate(inputs: Properties): Promise<string> {
  const keys = await importKeys(String(inputs.privateKeyPem));
  const names = alternativeNames(inputs);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: subject(inputs),
    keys,
    signingAlgorithm: algorithmOf(keys.privateKey),
    extensions: names === undefined ? [] : [names],
  });
  return `${request.toString("pem")}\n`;
}

export async function signRequest(inputs: Properties): Promise<Issued> {
  const request = new x509.Pkcs10CertificateRequest(String(inputs.certRequestPem));
  const authority = new x509.X509Certificate(firstPem(String(inputs.caCertPem)));
  const signer = await importKeys(String(inputs.caPrivateKeyPem));
  const names = request.getExtension("2.5.29.17");
  return issue(inputs, {
    name: request.subject,
    issuer: authority.subject,
    publicKey: request.publicKey,
    signer,
    authority,
    names: names ?? undefined,
  });
}

interface Issue {
  name: string;
  issuer: string;
  publicKey: x509.PublicKey;
  signer: Keys;
  authority: x509.X509Certificate | undefined;
  names?: x509.Extension;
}

async function issue(inputs: Properties, how: Issue): Promise<Issued> {
  const now = new Date();
  const start = new Date(Math.floor(now.getTime() / 1000) * 1000);
  const validMs = Number(inputs.validityPeriodHours) * HOUR_MS;
  const uses = (inputs.allowedUses as string[] | undefined) ?? [];
  const flags = uses.reduce<number>((all, use) => all | (KEY_USES[use] ?? 0), 0);
  const extended = uses.flatMap((use) => EXTENDED_USES[use] ?? []);
  const names = how.names ?? alternativeNames(inputs);
  const isCa = inputs.isCaCertificate === true;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `00${randomBytes(16).toString("hex")}`,
    subject: how.name,
    issuer: how.issuer,
    notBefore: start,
    notAfter: new Date(start.getTime() + validMs),
    publicKey: how.publicKey,
    signingKey: how.signer.privateKey as never,
    signingAlgorithm: algorithmOf(how.signer.privateKey) as never,
    extensions: [
      new x509.BasicConstraintsExtension(isCa, undefined, true),
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- a sum of flags has no name in the enumeration
      ...(flags === 0 ? [] : [new x509.KeyUsagesExtension(flags, true)]),
      ...(extended.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(extended)]),
      ...(names === undefined ? [] : [names]),
      ...(isCa ? [await x509.SubjectKeyIdentifierExtension.create(how.publicKey)] : []),
      ...authorityKeyIdentifier(how.authority),
    ],
  });
  const nanoseconds = String(process.hrtime.bigint() % 1_000_000n).padStart(6, "0");
  return {
    certPem: `${certificate.toString("pem")}\n`,
    validityStartTime: timestamp(now, nanoseconds),
    validityEndTime: timestamp(new Date(now.getTime() + validMs), nanoseconds),
  };
}

/** The identifier that the authority's own certificate has, if any. */
function authorityKeyIdentifier(authority: x509.X509Certificate | undefined): x509.AuthorityKeyIdentifierExtension[] {
  const identifier = authority?.getExtension(x509.SubjectKeyIdentifierExtension);
  return identifier instanceof x509.SubjectKeyIdentifierExtension
    ? [new x509.AuthorityKeyIdentifierExtension(identifier.keyId)]
    : [];
}

/** RFC 3339 as Go writes it, with fractions of a second; the certificate itself has none. */
function timestamp(time: Date, nanoseconds: string): string {
  return time
    .toISOString()
    .replace("Z", `${nanoseconds}Z`)
    .replace(/\.?0+Z$/, "Z");
}

function subject(inputs: Properties): string {
  const given = (inputs.subject ?? {}) as Record<string, string>;
  return [
    given.commonName === undefined ? [] : [`CN=${given.commonName}`],
    given.organization === undefined ? [] : [`O=${given.organization}`],
  ]
    .flat()
    .join(", ");
}

function alternativeNames(inputs: Properties): x509.SubjectAlternativeNameExtension | undefined {
  const dns = ((inputs.dnsNames as string[] | undefined) ?? []).map((value) => ({ type: "dns" as const, value }));
  const ips = ((inputs.ipAddresses as string[] | undefined) ?? []).map((value) => ({ type: "ip" as const, value }));
  return dns.length + ips.length === 0 ? undefined : new x509.SubjectAlternativeNameExtension([...dns, ...ips]);
}

async function importKeys(pem: string): Promise<Keys> {
  const key = createPrivateKey(pem);
  const curves: Record<string, string> = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" };
  const algorithm =
    key.asymmetricKeyType === "ec"
      ? { name: "ECDSA", namedCurve: curves[key.asymmetricKeyDetails?.namedCurve ?? ""] ?? "P-256" }
      : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const pkcs8 = key.export({ type: "pkcs8", format: "der" });
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  return {
    privateKey: await webcrypto.subtle.importKey("pkcs8", pkcs8, algorithm, true, ["sign"]),
    publicKey: await webcrypto.subtle.importKey("spki", spki, algorithm, true, ["verify"]),
  };
}

function algorithmOf(key: webcrypto.CryptoKey): { name: string; hash: string } {
  return { name: key.algorithm.name, hash: "SHA-256" };
}

function firstPem(text: string): string {
  return new X509Certificate(text).toString();
}
