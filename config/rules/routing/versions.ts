import type { Problem } from "../../values/problem";
import { VERSION_SUFFIXES } from "../../schema/routing/versions";
import type { IndexedService } from "../../schema/service";
import type { CheckedStack } from "../checkedStack";

/** RFC 1035 label, which Kubernetes requires of a Service's name. */
const MAX_SERVICE_NAME = 63;
const MAX_NAME = MAX_SERVICE_NAME - Math.max(...Object.values(VERSION_SUFFIXES).map(({ length }) => length));

/** The two versions are different sets of pods, and the program creates the Services that select them. */
export function versionProblems({ services }: CheckedStack): Problem[] {
  return services.flatMap(ofService);
}

function ofService({ index, service }: IndexedService): Problem[] {
  const { canary, name } = service;
  if (canary?.versions === undefined) {
    return [];
  }
  const { selector, label, stable, canary: next } = canary.versions;
  const problems: Problem[] = [];
  const complain = (key: string, value: unknown, expected: string) =>
    problems.push({ path: `services[${index}].${key}`, value, expected });
  if (name.length > MAX_NAME || !/^[a-z]/.test(name)) {
    complain("name", name, `at most ${MAX_NAME} characters, the first a letter: Services are named after it`);
  }
  if (stable === next) {
    complain("canary.versions.canary", next, "a value other than that of stable, or both are one set of pods");
  }
  if (Object.hasOwn(selector, label)) {
    complain("canary.versions.selector", selector, `labels without ${label}, which tells the versions apart`);
  }
  if (service.backends !== undefined) {
    complain(
      "backends",
      service.backends,
      "not allowed together with canary.versions, which makes the stable Service too",
    );
  }
  for (const key of ["namespace", "port"] as const) {
    if (canary[key] !== undefined) {
      complain(
        `canary.${key}`,
        canary[key],
        "not allowed together with canary.versions: both Services have the service's namespace and port",
      );
    }
  }
  return problems;
}
