import { hostsOf } from "../../resolve/hosts";
import { listenPortOf } from "../../resolve/protocols";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";
import { matchKey } from "./precedence";

/** Names, hosts and matches that two services, or two paths of one, both claim. */
export function duplicateProblems(stack: CheckedStack): Problem[] {
  return stack.domainList === undefined
    ? []
    : [...nameProblems(stack), ...redirectProblems(stack), ...matchProblems(stack)];
}

function nameProblems({ services, streams }: CheckedStack): Problem[] {
  const names = new Map<string, number>();
  const inOrder = [...services, ...streams].sort((a, b) => a.index - b.index);
  return inOrder.flatMap(({ index, service }) => {
    const earlier = names.get(service.name);
    if (earlier === undefined) {
      names.set(service.name, index);
      return [];
    }
    const expected = `a name other than that of services[${earlier}]`;
    return [{ path: `services[${index}].name`, value: service.name, expected }];
  });
}

/** A host that redirects answers every path. */
function redirectProblems(stack: CheckedStack): Problem[] {
  const all = hostsOfAll(stack);
  return all
    .filter(({ redirect }) => redirect !== undefined)
    .flatMap(({ host, port, index, at }) => {
      const other = all.find(
        (claim) =>
          claim.host === host &&
          claim.port === port &&
          claim.index !== index &&
          (claim.redirect === undefined || claim.index < index),
      );
      const expected = `a host that services[${other?.index ?? 0}] does not have: a redirect answers every path`;
      return other === undefined ? [] : [{ path: `services[${index}].${at}`, value: host, expected }];
    });
}

function matchProblems(stack: CheckedStack): Problem[] {
  const names = new Set<string>();
  const matches = new Map<string, string>();
  const problems = new Map<string, Problem>();
  const claims = hostsOfAll(stack).filter(({ redirect }) => redirect === undefined);
  for (const { index, service } of stack.services) {
    // A host derived from a name that is already taken is the same mistake.
    const isDerived = names.has(service.name) && service.host === undefined && service.hosts === undefined;
    names.add(service.name);
    service.paths.forEach((path, pathIndex) => {
      const here = `services[${index}].paths[${pathIndex}]`;
      for (const { host } of claims.filter((claim) => claim.index === index)) {
        const key = `${host}:${listenPortOf(service)} ${matchKey(path)}`;
        const claimed = matches.get(key);
        if (claimed === undefined) {
          matches.set(key, here);
        } else if (!isDerived && claimed !== here && !problems.has(here)) {
          const expected = `a host and path that ${claimed} does not claim: ${host} ${path.path}`;
          problems.set(here, { path: `${here}.path`, value: path.path, expected });
        }
      }
    });
  }
  return [...problems.values()];
}

function hostsOfAll({ domainList = [], services }: CheckedStack) {
  return services.flatMap(({ index, service }) =>
    hostsOf(service, domainList).map((given) => ({ ...given, index, port: listenPortOf(service) })),
  );
}
