import type { Problem } from "../../values/problem";
import { givenCertificates } from "../../resolve/givenCertificates";
import type { CheckedStack } from "../checkedStack";

/** Cipher suites fit the TLS versions, and the keys that are made: a suite works with one kind of key. */
export function cipherProblems(stack: CheckedStack): Problem[] {
  const { cipherSuites, minVersion } = stack.gateway?.tls ?? {};
  if (cipherSuites === undefined) {
    return [];
  }
  const problem = (expected: string) => [{ path: "gateway.tls.cipherSuites", value: cipherSuites, expected }];
  if (minVersion === "1.3") {
    return problem("not allowed together with minVersion 1.3: TLS 1.3 has its own suites, all of them strong");
  }
  const unserved = givenCertificates(stack)
    .flatMap(({ at, certificate }) =>
      certificate.type === "existing"
        ? []
        : [certificate.keyAlgorithm]
            .flat()
            .map((key) => ({ at, algorithm: key.startsWith("ecdsa") ? "ECDSA" : "RSA" })),
    )
    .find(({ algorithm }) => !cipherSuites.some((suite) => suite.startsWith(`ECDHE-${algorithm}-`)));
  return unserved === undefined
    ? []
    : problem(
        `at least one ECDHE-${unserved.algorithm}-… suite, since the key of ${unserved.at} is ${unserved.algorithm}`,
      );
}
