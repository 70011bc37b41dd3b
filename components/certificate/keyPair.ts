import { createPrivateKey, X509Certificate } from "node:crypto";
import { milliseconds } from "../../config/values/duration";
import { certificateBlocks, isSelfSigned } from "../../config/values/pem";

/** Tolerated clock skew between this machine and clients, in milliseconds. */
const CLOCK_SKEW_MS = 300_000;

/** What the gateway sends: the leaf and the CAs above it, each once. Not the root, which clients that trust it already have. */
export function servedChain(leafPem: string, authorityPem: string): string {
  const authorities = certificateBlocks(authorityPem).filter((block) => !isSelfSigned(new X509Certificate(block)));
  return [...new Set([...certificateBlocks(leafPem), ...authorities])].join("");
}

/** What clients have to trust: the topmost given CA. */
export function trustAnchor(authorityPem: string): string {
  return certificateBlocks(authorityPem).at(-1) ?? authorityPem;
}

/** What is about to be written to the Secret. */
export interface KeyPair {
  leafPem: string;
  /** The CA that signed it, and those above; empty if it is self-signed. */
  authorityPem: string;
  privateKeyPem: string;
  /** Names that it has to cover. */
  dnsNames: readonly string[];
}

/** Why a listener could not serve a certificate, or clients would reject it. Reveals nothing about the key. */
export function keyPairProblems(
  { leafPem, authorityPem, privateKeyPem, dnsNames }: KeyPair,
  now = Date.now(),
): string[] {
  const leaf = new X509Certificate(leafPem);
  const chain = [leaf, ...certificateBlocks(authorityPem).map((block) => new X509Certificate(block))];
  const problems: string[] = [];
  if (!leaf.checkPrivateKey(createPrivateKey(privateKeyPem))) {
    problems.push("the private key belongs to another certificate");
  }
  // Clients read only the SANs.
  const names = (leaf.subjectAltName ?? "").split(", ");
  for (const name of dnsNames) {
    if (!names.includes(`DNS:${name}`)) {
      problems.push(`it does not cover ${name}`);
    }
  }
  if (new Date(leaf.validFrom).getTime() > now + CLOCK_SKEW_MS) {
    problems.push(`it is not valid before ${leaf.validFrom}`);
  }
  if (new Date(leaf.validTo).getTime() <= now) {
    problems.push(`it expired on ${leaf.validTo}`);
  }
  if (!chain.every((lower, index) => isSignedBy(lower, chain[index + 1]))) {
    problems.push("a certificate in its chain is not signed by the next one");
  }
  return problems;
}

function isSignedBy(lower: X509Certificate, upper: X509Certificate | undefined): boolean {
  return upper === undefined || (lower.checkIssued(upper) && lower.verify(upper.publicKey));
}

/** Until when a certificate is valid, when `pulumi up` issues the next one, and a warning if it is overdue. */
export interface Renewal {
  /** RFC 3339. */
  notAfter: string;
  /** RFC 3339. */
  renewalTime: string;
  warning?: string;
}

/**
 * An update renews a certificate that is due, unless it leaves it out (`--target`).
 * @param validTo As the certificate itself says it: what the TLS provider says has fractions of a second.
 */
export function renewal(validTo: string, renewBefore: string, now = Date.now()): Renewal {
  const end = Date.parse(validTo);
  const due = end - milliseconds(renewBefore);
  const [notAfter, renewalTime] = [rfc3339(end), rfc3339(due)];
  if (now >= end) {
    return { notAfter, renewalTime, warning: `it expired on ${notAfter}, so clients reject it: run pulumi up` };
  }
  if (now >= due) {
    const warning = `it has been due for renewal since ${renewalTime} and expires on ${notAfter}: run pulumi up`;
    return { notAfter, renewalTime, warning };
  }
  return { notAfter, renewalTime };
}

function rfc3339(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}
