import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import type { CheckedStack } from "..";
import { certificatesIn, SEALED } from "../../values/pem";
import type { Problem } from "../../values/problem";

const DAY_MS = 86_400_000;

/** What is wrong with the CA of a `ca-signed` certificate. The key never appears in a problem. */
export function caProblems({ certificate, secretKeys }: CheckedStack): Problem[] {
  if (certificate?.mode !== "ca-signed") {
    return [];
  }
  if (!secretKeys.has("certificate")) {
    return [keyProblem(certificate.caPrivateKey, "a Pulumi secret: pulumi config set --secret --path …")];
  }
  if (certificate.caPrivateKey === SEALED || certificate.caCertificate === SEALED) {
    return [];
  }
  const chain = certificatesIn(certificate.caCertificate);
  const key = readKey(certificate.caPrivateKey);
  const problems: Problem[] = [];
  if (chain === undefined) {
    problems.push(certificateProblem("a readable X.509 certificate in PEM"));
  }
  if (key === undefined) {
    problems.push(keyProblem(certificate.caPrivateKey, "a readable private key in PEM, without a passphrase"));
  }
  return chain === undefined ? problems : [...problems, ...chainProblems(chain, key, certificate)];
}

/** The first certificate signs the leaf; each one after it signs the one before. */
function chainProblems(
  chain: readonly X509Certificate[],
  key: KeyObject | undefined,
  certificate: { validityDays: number; caPrivateKey: string },
): Problem[] {
  const problems: Problem[] = [];
  if (!chain.every((authority) => authority.ca)) {
    problems.push(certificateProblem("a certificate of a CA (basicConstraints CA:TRUE)"));
  }
  const stray = chain.findIndex((lower, index) => {
    const upper = chain[index + 1];
    return upper !== undefined && !(lower.checkIssued(upper) && lower.verify(upper.publicKey));
  });
  if (stray >= 0) {
    problems.push(certificateProblem(`each certificate signed by the next one; number ${stray + 1} is not`));
  }
  const end = Math.min(...chain.map((authority) => new Date(authority.validTo).getTime()));
  if (end < Date.now() + certificate.validityDays * DAY_MS) {
    const lasts = `a CA that outlives the certificate by validityDays = ${certificate.validityDays}`;
    problems.push(certificateProblem(`${lasts}; it ends on ${new Date(end).toISOString()}`));
  }
  if (key !== undefined && chain[0]?.checkPrivateKey(key) === false) {
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

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
