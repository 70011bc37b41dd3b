import { domainOf } from "../../resolve/domains";
import { hostsOf } from "../../resolve/hosts";
import type { IndexedService } from "../../schema/service";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** The domains of a stack: given in one way, each once, and each with a service. */
export function domainProblems(stack: CheckedStack): Problem[] {
  const { domain, domains, domainList = [] } = stack;
  const both: Problem[] =
    domain === undefined || domains === undefined
      ? []
      : [{ path: "domain", value: domain, expected: "either domain or domains: move it to the front of domains" }];
  const twice = domainList.flatMap((entry, place) => {
    const earlier = domainList.slice(0, place).find((other) => other.domain === entry.domain);
    return earlier === undefined || both.length > 0
      ? []
      : [{ path: entry.at, value: entry.domain, expected: `a domain other than ${earlier.at}` }];
  });
  return [...missing(stack), ...both, ...twice, ...unused(stack)];
}

/** Only a stack whose hosts all have certificates of their own needs no domain. */
function missing({ domainList, services, streams, hasEveryService }: CheckedStack): Problem[] {
  const isNamed = ({ service }: IndexedService) => service.host !== undefined || service.hosts !== undefined;
  const needs =
    !hasEveryService ||
    services.some(({ service }) => service.certificate === undefined) ||
    streams.some((stream) => stream.service.protocol !== "tcp" && !isNamed(stream));
  return domainList?.length === 0 && needs
    ? [{ path: "domain", value: undefined, expected: "a domain such as example.com, or a list in domains" }]
    : [];
}

function unused({ domainList = [], services, streams, hasEveryService }: CheckedStack): Problem[] {
  const named = [...services, ...streams.filter(({ service }) => service.protocol !== "tcp")];
  if (!hasEveryService || named.length === 0) {
    return [];
  }
  const hosts = named.flatMap(({ service }) => (service.certificate === undefined ? hostsOf(service, domainList) : []));
  const used = new Set(hosts.map(({ host }) => domainOf(host, domainList)));
  // A host of no domain is a mistake of its own, and may be meant for this one. TLS that is passed on may have any.
  const isUncovered = services.some(
    ({ service }) =>
      service.certificate === undefined &&
      hostsOf(service, domainList).some(({ host }) => domainOf(host, domainList) === undefined),
  );
  return (isUncovered ? [] : domainList)
    .filter((entry) => !used.has(entry))
    .filter((entry) => domainList.find(({ domain }) => domain === entry.domain) === entry)
    .map(({ at, domain }) => ({
      path: at,
      value: domain,
      expected: `a domain that a service has a host in: none is ${domain} or one label below it, without a certificate of its own`,
    }));
}
