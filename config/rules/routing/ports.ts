import { missingPort, type Named, namedPorts, portNumber, unknownPort } from "../../resolve/namedPorts";
import { VERSION_SUFFIXES, type VersionName, versionService } from "../../schema/routing/versions";
import type { ParsedService } from "../../schema/service";
import { onePerPath, type Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** Ports by name that no Service has, or that nobody can look up. A cluster's Services are asked later, before anything is created. */
export function portProblems(stack: CheckedStack): Problem[] {
  return [...stack.services, ...stack.streams].flatMap((entry) => {
    const isMade = ({ namespace, service }: Named) =>
      namespace === entry.service.namespace && madeServices(entry.service).includes(service);
    const named = namedPorts(entry);
    const made = named.filter(isMade).map(({ path, port }) => ({ path, value: port, expected: NUMBER }));
    return [...onePerPath(made), ...named.filter((port) => !isMade(port)).flatMap((port) => flawOf(port, stack))];
  });
}

const NUMBER =
  "a number: canary.versions makes both Services with this port; versions.targetPort may be the name of the pods' port";

function madeServices({ name, canary }: ParsedService): string[] {
  const versions = Object.keys(VERSION_SUFFIXES) as VersionName[];
  return canary?.versions === undefined ? [] : versions.map((version) => versionService(name, version));
}

function flawOf(port: Named, { kubernetes, findService }: CheckedStack): Problem[] {
  const found = findService?.(port);
  if (found !== undefined) {
    return portNumber(port, found) === undefined ? [missingPort(port, found)] : [];
  }
  const isUnknown = findService !== undefined && kubernetes?.renderDirectory !== undefined;
  return isUnknown ? [unknownPort(port)] : [];
}
