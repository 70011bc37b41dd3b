import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { SEALED } from "./certificate";
import type { SoundStack } from "./invariants";
import type { Problem } from "./problem";

/** What is wrong with the CA of a `ca-signed` certificate. The key never appears in a problem. */
export function caProblems({ certificate, secretKeys }: SoundStack): Problem[] {
  if (certificate?.mode !== "ca-signed") {
    return [];
  }
  if (!secretKeys.has("certificate")) {
    return [keyProblem(certificate.caPrivateKey, "a Pulumi secret: pulumi config set --secret --path …")];
  }
  if (certificate.caPrivateKey === SEALED || certificate.caCertificate === SEALED) {
    return [];
  }
  const authority = attempt(() => new X509Certificate(certificate.caCertificate));
  const key = attempt(() => createPrivateKey(certificate.caPrivateKey));
  const problems: Problem[] = [];
  if (authority === undefined) {
    problems.push(certificateProblem("a readable X.509 certificate in PEM"));
  }
  if (key === undefined) {
    problems.push(keyProblem(certificate.caPrivateKey, "a readable private key in PEM, without a passphrase"));
  }
  return authority === undefined ? problems : [...problems, ...authorityProblems(authority, key, certificate)];
}

function authorityProblems(
  authority: X509Certificate,
  key: KeyObject | undefined,
  certificate: { validityDays: number; caPrivateKey: string },
): Problem[] {
  const problems: Problem[] = [];
  const end = new Date(authority.validTo).getTime();
  if (!authority.ca) {
    problems.push(certificateProblem("a certificate of a CA (basicConstraints CA:TRUE)"));
  }
  if (end < Date.now() + certificate.validityDays * 86_400_000) {
    const lasts = `a CA that outlives the certificate by validityDays = ${certificate.validityDays}`;
    problems.push(certificateProblem(`${lasts}; it ends on ${new Date(end).toISOString()}`));
  }
  if (key !== undefined && !authority.checkPrivateKey(key)) {
    problems.push(keyProblem(certificate.caPrivateKey, "the private key that belongs to certificate.caCertificate"));
  }
  return problems;
}

function certificateProblem(expected: string): Problem {
  return { path: "certificate.caCertificate", value: "(PEM)", expected };
}

function keyProblem(value: string, expected: string): Problem {
  return { path: "certificate.caPrivateKey", value, expected };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
