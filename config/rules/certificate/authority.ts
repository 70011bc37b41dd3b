import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import type { CheckedStack } from "../checkedStack";
import { type GivenCertificate, givenCertificates } from "../../resolve/givenCertificates";
import { inDays, milliseconds } from "../../values/duration";
import { certificatesIn, SEALED } from "../../values/pem";
import type { Problem } from "../../values/problem";

/** What is wrong with the CA of a `ca-signed` certificate. The key never appears in a problem. */
export function caProblems(stack: CheckedStack): Problem[] {
  return givenCertificates(stack).flatMap((given) => ofCertificate(given, stack));
}

function ofCertificate({ at, certificate }: GivenCertificate, { isSecret }: CheckedStack): Problem[] {
  if (certificate.type !== "ca-signed") {
    return [];
  }
  const keyProblem = (expected: string): Problem => ({ path: `${at}.caPrivateKey`, value: "(PEM)", expected });
  const certificateProblem = (expected: string): Problem => ({ path: `${at}.caCertificate`, value: "(PEM)", expected });
  if (!isSecret(`${at}.caPrivateKey`)) {
    return [keyProblem("a Pulumi secret: pulumi config set --secret --path …")];
  }
  const { caPrivateKey, caCertificate } = certificate;
  if (typeof caPrivateKey !== "string" || typeof caCertificate !== "string") {
    return [];
  }
  if (caPrivateKey === SEALED || caCertificate === SEALED) {
    return [];
  }
  const chain = certificatesIn(caCertificate);
  const key = readKey(caPrivateKey);
  const problems: Problem[] = [];
  if (chain === undefined) {
    problems.push(certificateProblem("a readable X.509 certificate in PEM"));
  }
  if (key === undefined) {
    problems.push(keyProblem("a readable private key in PEM, without a passphrase"));
  }
  if (chain !== undefined) {
    problems.push(...chainProblems(chain, certificate).map(certificateProblem));
    if (key !== undefined && chain[0]?.checkPrivateKey(key) === false) {
      problems.push(keyProblem(`the private key of ${at}.caCertificate`));
    }
  }
  return problems;
}

/** The first certificate signs the leaf; each one after it signs the one before. */
function chainProblems(chain: readonly X509Certificate[], { validity }: { validity: string }): string[] {
  const problems: string[] = [];
  if (!chain.every((authority) => authority.ca)) {
    problems.push("a CA certificate (basicConstraints CA:TRUE)");
  }
  const stray = chain.findIndex((lower, index) => {
    const upper = chain[index + 1];
    return upper !== undefined && !(lower.checkIssued(upper) && lower.verify(upper.publicKey));
  });
  if (stray >= 0) {
    problems.push(`each certificate signed by the next one; number ${stray + 1} is not`);
  }
  const end = Math.min(...chain.map((authority) => new Date(authority.validTo).getTime()));
  if (end < Date.now() + milliseconds(validity)) {
    const lasts = `a CA that outlives the certificate (validity ${inDays(validity)})`;
    problems.push(`${lasts}; it expires on ${new Date(end).toISOString()}`);
  }
  return problems;
}

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
