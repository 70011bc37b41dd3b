import type { Problem } from "../../values/problem";
import { givenCertificates } from "../../resolve/givenCertificates";
import { ANY_HOST } from "../../resolve/domains";
import { hostsOf } from "../../resolve/hosts";
import { HTTPS_PORT, listenPortOf } from "../../resolve/protocols";
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

/** TLS 1.2 has no key exchange but those of elliptic curves. */
export function groupProblems({ gateway }: CheckedStack): Problem[] {
  const { groups, minVersion } = gateway?.tls ?? {};
  if (minVersion !== "1.2" || !Array.isArray(groups) || groups.some((group) => group !== "X25519MLKEM768")) {
    return [];
  }
  const expected = "X25519, P-256 or P-384 too, since clients of TLS 1.2 have no other (or minVersion 1.3)";
  return [{ path: "gateway.tls.groups", value: groups, expected }];
}

/** Nothing tells Envoy's filter chain for every host from those that pass TLS through, which must have no TLS parameters. */
export function everyHostTlsProblems({ gateway, services, streams }: CheckedStack): Problem[] {
  const everyHost = services.find(({ service }) => hostsOf(service, []).some(({ host }) => host === ANY_HOST));
  const through = streams.find(
    ({ service }) => service.protocol === "tls-passthrough" && listenPortOf(service) === HTTPS_PORT,
  );
  if (gateway === undefined || everyHost === undefined || through === undefined) {
    return [];
  }
  const because = `since services[${everyHost.index}] takes every host on the port where services[${through.index}] passes TLS through: Istio cannot patch one alone`;
  const { minVersion, groups } = gateway.tls;
  return [
    ...(minVersion === "1.3"
      ? [{ path: "gateway.tls.minVersion", value: minVersion, expected: `"1.2", ${because}` }]
      : []),
    ...(groups === false ? [] : [{ path: "gateway.tls.groups", value: groups, expected: `false, ${because}` }]),
  ];
}
