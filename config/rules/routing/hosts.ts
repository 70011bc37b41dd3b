import type { Problem } from "../../values/problem";
import { hostOf } from "../../resolve/service";
import { matchKey } from "./precedence";
import type { CheckedStack } from "../checkedStack";

/** RFC 1035: longest name, in characters. */
const MAX_HOST = 253;

/** A host must be exactly one label below the domain: a wildcard certificate covers no more (RFC 9525, section 6.3). */
export function hostProblems({ domain, services }: CheckedStack): Problem[] {
  if (domain === undefined) {
    return [];
  }
  return services.flatMap(({ index, service }) => {
    const host = hostOf(service, domain);
    if (host.length > MAX_HOST) {
      const expected = `a host of at most ${MAX_HOST} characters`;
      return [{ path: `services[${index}].host`, value: host, expected }];
    }
    const label = host.endsWith(`.${domain}`) ? host.slice(0, -domain.length - 1) : "";
    if (label !== "" && !label.includes(".")) {
      return [];
    }
    const expected = `a name exactly one label below ${domain}: the certificate for *.${domain} covers no other`;
    return [{ path: `services[${index}].host`, value: host, expected }];
  });
}

/** Names and matches that two services, or two paths of one, both claim. */
export function duplicateProblems({ domain, services }: CheckedStack): Problem[] {
  if (domain === undefined) {
    return [];
  }
  const problems: Problem[] = [];
  const names = new Map<string, number>();
  const matches = new Map<string, string>();
  for (const { index, service } of services) {
    const earlier = names.get(service.name);
    if (earlier !== undefined) {
      const expected = `a name other than that of services[${earlier}]`;
      problems.push({ path: `services[${index}].name`, value: service.name, expected });
    } else {
      names.set(service.name, index);
    }
    const host = hostOf(service, domain);
    service.paths.forEach((path, pathIndex) => {
      const here = `services[${index}].paths[${pathIndex}]`;
      const key = `${host} ${matchKey(path)}`;
      const claimed = matches.get(key);
      if (claimed === undefined) {
        matches.set(key, here);
      } else if (earlier === undefined || service.host !== undefined) {
        // A host derived from a name that is already taken is the same mistake.
        const expected = `a host and path that ${claimed} does not claim: ${host} ${path.path}`;
        problems.push({ path: `${here}.path`, value: path.path, expected });
      }
    });
  }
  return problems;
}
