import { byHost } from "../../resolve/byHost";
import { givenAccesses } from "../../resolve/entrance";
import { hostsOf } from "../../resolve/hosts";
import { HTTPS_PORT, listenPortOf } from "../../resolve/protocols";
import { nearest } from "../../resolve/nearest";
import type { Domain } from "../../resolve/domains";
import type { IndexedService } from "../../schema/service";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** Hosts without TLS have nothing that only TLS protects, and answer for themselves alone. */
export function plainHttpProblems(stack: CheckedStack): Problem[] {
  const { services, domainList } = stack;
  return domainList === undefined
    ? []
    : [
        ...services
          .filter(({ service }) => service.plainHttp === true)
          .flatMap((indexed) => ofService(indexed, domainList, stack)),
        ...sharedHostProblems(stack),
      ];
}

function ofService(
  { index, service }: IndexedService,
  domains: readonly Domain[],
  { gateway, defaults }: CheckedStack,
): Problem[] {
  const at = `services[${index}]`;
  const accesses = givenAccesses({ index, service }, defaults);
  const credentials = (["jwt", "externalAuthorization", "clientCertificate"] as const).find((key) =>
    accesses.some(({ access }) => access?.[key] !== undefined),
  );
  const asksForCertificates = service.clientCertificates ?? gateway?.tls.clientCertificates;
  const wildcard = hostsOf(service, domains).find(
    ({ host, redirect }) => redirect === undefined && host.startsWith("*"),
  );
  const problem = (expected: string): Problem => ({ path: `${at}.plainHttp`, value: true, expected });
  return [
    ...(wildcard === undefined
      ? []
      : [problem(`no ${wildcard.host} with plainHttp: it would take the redirect from every host that it covers`)]),
    ...(listenPortOf(service) === HTTPS_PORT ? [] : [problem("no listenPort with it: plain HTTP is on port 80 alone")]),
    ...(nearest(service.hsts, gateway?.hsts) === undefined
      ? []
      : [problem("hsts: false with it: a browser that has seen HSTS never uses plain HTTP for the host again")]),
    ...(credentials === undefined
      ? []
      : [
          problem(
            `no access.${credentials} with it: credentials could be read on the way, and nothing asks for them there`,
          ),
        ]),
    ...(asksForCertificates === undefined
      ? []
      : [problem("no clientCertificates with it: plain HTTP would let everybody in without one")]),
    ...(gateway?.clientAddress?.proxyAddresses === undefined
      ? []
      : [
          problem(
            "no gateway.clientAddress.proxyAddresses with it: port 80 also answers clients that bypass the proxies",
          ),
        ]),
  ];
}

/** The one route table of port 80 has no redirect for a host that one of its services is on. */
function sharedHostProblems(stack: CheckedStack): Problem[] {
  const isPlain = ({ service }: IndexedService) => service.plainHttp === true;
  return byHost(stack).flatMap(({ host, services: [first, ...others] }) =>
    others
      .filter((other) => isPlain(other) !== isPlain(first))
      .map(({ index, service }) => ({
        path: `services[${index}].plainHttp`,
        value: service.plainHttp,
        expected: `the same plainHttp as services[${first.index}]: both serve ${host}, and plain HTTP is redirected by host`,
      })),
  );
}
