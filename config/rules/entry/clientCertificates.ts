import { certificatesOf } from "../../resolve/certificates";
import { hostsOf } from "../../resolve/hosts";
import { givenAccesses } from "../../resolve/entrance";
import { listenerKey } from "../../resolve/listeners";
import type { HostClientCertificates } from "../../schema/entry/clientCertificates";
import { certificatesIn, crlBlocks, SEALED } from "../../values/pem";
import { onePerPath, type Problem } from "../../values/problem";
import { sameContent } from "../../values/sameContent";
import type { CheckedStack } from "../checkedStack";

/** What clients' certificates are checked against, and where that is asked for. */
export function clientCertificateProblems(stack: CheckedStack): Problem[] {
  const { gateway, services } = stack;
  const whole = gateway?.tls.clientCertificates;
  const own = services.flatMap(({ index, service: { clientCertificates: config } }) =>
    config === undefined ? [] : [{ at: `services[${index}].clientCertificates`, config }],
  );
  const both = whole === undefined ? [] : own.map(({ at, config }) => ({ path: at, value: config, expected: EITHER }));
  return [
    ...(whole === undefined ? [] : authorityProblems("gateway.tls.clientCertificates", whole)),
    ...own.flatMap(({ at, config }) => authorityProblems(at, config)),
    ...both,
    ...nameProblems(stack),
  ];
}

const EITHER =
  "either this or gateway.tls.clientCertificates: with that, Istio checks all clients against the same CAs";

/** Names are read from a certificate that was asked for, and checked. */
function nameProblems({ gateway, services, defaults }: CheckedStack): Problem[] {
  const isAsked = gateway?.tls.clientCertificates?.mode === "AllowValidOnly";
  const asking = services.filter(({ service }) => !isAsked && service.clientCertificates === undefined);
  return asking.flatMap((indexed) =>
    givenAccesses(indexed, defaults).flatMap(({ at, access }) => {
      const names = access?.clientCertificate;
      if (names === undefined) {
        return [];
      }
      const expected = `clientCertificates of the service, or of gateway.tls with AllowValidOnly: nobody is asked for a certificate, so nobody could enter`;
      return [{ path: `${at}.clientCertificate`, value: names, expected }];
    }),
  );
}

function authorityProblems(at: string, { caCertificate, crl }: HostClientCertificates): Problem[] {
  const flaw = typeof caCertificate === "string" && caCertificate !== SEALED ? caFlaw(caCertificate) : undefined;
  const hasLists = typeof crl !== "string" || crl === SEALED || crlBlocks(crl).length > 0;
  return [
    ...(flaw === undefined ? [] : [{ path: `${at}.caCertificate`, value: "(PEM)", expected: flaw }]),
    ...(hasLists
      ? []
      : [
          {
            path: `${at}.crl`,
            value: "(PEM)",
            expected: "revocation lists in PEM: BEGIN X509 CRL, not a certificate or DER",
          },
        ]),
  ];
}

function caFlaw(text: string): string | undefined {
  const authorities = certificatesIn(text);
  if (authorities === undefined) {
    return "readable X.509 certificates in PEM";
  }
  if (!authorities.every(({ ca }) => ca)) {
    return "CA certificates (basicConstraints CA:TRUE)";
  }
  const ended = authorities.find(({ validTo }) => new Date(validTo).getTime() <= Date.now());
  return ended && `CAs that have not expired; ${ended.subject} expired on ${ended.validTo}`;
}

/** Hosts that share a listener, or a certificate whose CAs Istio keeps next to it, have the same. */
export function sharedAuthorityProblems({ domainList, certificate, gateway, services }: CheckedStack): Problem[] {
  if (domainList === undefined || certificate === undefined || gateway === undefined) {
    return [];
  }
  const placed = services.flatMap(({ index, service }) =>
    hostsOf(service, domainList).map(({ host }) => ({
      index,
      clientCertificates: service.clientCertificates,
      listener: listenerKey(host, service, domainList),
      secretName: certificatesOf(host, service, { certificate, gateway }, domainList)[0]?.config.secretName ?? "",
    })),
  );
  const problems = placed.flatMap(({ index, clientCertificates: value, listener, secretName }) => {
    const earlier = placed.filter((other) => other.index < index && !sameContent(other.clientCertificates, value));
    const path = `services[${index}].clientCertificates`;
    const shared = earlier.find((other) => other.listener === listener);
    if (shared !== undefined) {
      const expected = `the same as services[${shared.index}]: both are served by the listener for ${listener}`;
      return [{ path, value, expected }];
    }
    const asking = value === undefined ? [] : earlier.filter((other) => other.clientCertificates !== undefined);
    const other = asking.find((one) => one.secretName === secretName);
    const expected = `the same as services[${other?.index ?? 0}], or a certificate of its own: Istio keeps one set of CAs for each certificate, next to its Secret ${secretName}`;
    return other === undefined ? [] : [{ path, value, expected }];
  });
  return onePerPath(problems);
}
