import { ANY_HOST, type Domain, domainOf } from "../../resolve/domains";
import { type GivenHost, hostsOf } from "../../resolve/hosts";
import { listenPortOf } from "../../resolve/protocols";
import type { IndexedService } from "../../schema/service";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** RFC 1035: longest name, in characters. */
const MAX_HOST = 253;

/** Longest list of domains in a message, in characters. */
const LONGEST_LIST = 80;

/** Each host is covered by a certificate, and listed once, in one of two ways. */
export function hostProblems({ domainList, services }: CheckedStack): Problem[] {
  return domainList === undefined ? [] : services.flatMap((indexed) => ofService(indexed, domainList));
}

function ofService({ index, service }: IndexedService, domains: readonly Domain[]): Problem[] {
  const at = `services[${index}]`;
  const hosts = hostsOf(service, domains);
  const twice = hosts.flatMap((host, place) => {
    const earlier = hosts.slice(0, place).find((other) => other.host === host.host);
    const expected = `a host other than ${earlier?.at ?? ""}${host.redirect === undefined ? "" : ": it would redirect to itself"}`;
    return earlier === undefined ? [] : [{ path: `${at}.${host.at}`, value: host.host, expected }];
  });
  return [
    ...(service.host === undefined || service.hosts === undefined
      ? []
      : [{ path: `${at}.host`, value: service.host, expected: "either host or hosts: move it to the front of hosts" }]),
    ...hosts.flatMap(({ host, at: key }) => {
      const expected = uncovered(host, service.certificate !== undefined, domains);
      const isDerived = service.host === undefined && service.hosts === undefined && domains.length === 0;
      return expected === undefined ? [] : [{ path: `${at}.${key}`, value: isDerived ? undefined : host, expected }];
    }),
    ...twice,
    ...redirectProblems(at, hosts),
  ];
}

/** What to write instead of a host that no certificate covers: a wildcard covers one label (RFC 9525, section 6.3). */
export function uncovered(host: string, hasOwn: boolean, domains: readonly Domain[]): string | undefined {
  if (host.length > MAX_HOST) {
    return `a host of at most ${MAX_HOST} characters`;
  }
  if (hasOwn) {
    return host === ANY_HOST
      ? "a host name or a wildcard: the service's own certificate cannot cover every host"
      : undefined;
  }
  // Without any, the stack lacks a domain: that is one mistake, not one of each service.
  if (domains.length === 0 || domainOf(host, domains) !== undefined) {
    return undefined;
  }
  const names = domains.map(({ domain }) => domain).join(" or ");
  const where = names.length <= LONGEST_LIST ? names : "a domain of the stack";
  return `a name exactly one label below ${where}, or the domain itself: no certificate covers others, unless the service has one`;
}

/** The first host serves, under a name that a redirect can lead to. */
function redirectProblems(at: string, [first, ...others]: readonly GivenHost[]): Problem[] {
  if (first === undefined) {
    return [];
  }
  const path = `${at}.${first.at}`;
  if (first.redirect !== undefined) {
    const expected = "no redirect on the first host: it is the one that the others redirect to";
    return [{ path: `${path}.redirect`, value: first.redirect, expected }];
  }
  const leads = others.some(({ redirect }) => redirect !== undefined);
  return leads && first.host.startsWith("*")
    ? [{ path, value: first.host, expected: "a host without a wildcard: others redirect to it" }]
    : [];
}

/**
 * Names below a wildcard for which the wildcard's service never answers: the more specific name gets all requests, also those
 * to paths that it does not have.
 */
export function wildcardProblems({ domainList, services }: CheckedStack): Problem[] {
  if (domainList === undefined) {
    return [];
  }
  const named = services.flatMap(({ index, service }) =>
    hostsOf(service, domainList).map((given) => ({ ...given, index, service, port: listenPortOf(service) })),
  );
  const wildcards = new Map(
    named.filter(({ host }) => host.startsWith("*")).map((given) => [`${given.host}:${given.port}`, given]),
  );
  return named.flatMap(({ host, port, index, redirect, at }) => {
    const wildcard = wildcards.get(`${host.replace(/^[^.]+/, "*")}:${port}`) ?? wildcards.get(`${ANY_HOST}:${port}`);
    const isWhole = named
      .filter((other) => other.host === host && other.port === port)
      .some(({ service }) => service.paths.some(({ path, match }) => path === "/" && match === undefined));
    if (wildcard === undefined || wildcard.host === host || redirect !== undefined || isWhole) {
      return [];
    }
    const expected = `the path / too: the wildcard of services[${wildcard.index}] gets no request for this host, so other paths are answered with 404`;
    return [{ path: `services[${index}].${at === "host" ? "paths" : at}`, value: undefined, expected }];
  });
}
