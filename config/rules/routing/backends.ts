import type { Problem } from "../../values/problem";
import type { ParsedBackend } from "../../schema/routing/backend";
import type { ParsedService } from "../../schema/service";
import type { CheckedStack } from "../checkedStack";

/** Rules between the backends of each service and of each of its paths. */
export function backendProblems({ services, streams }: CheckedStack): Problem[] {
  return [...services, ...streams].flatMap(({ index, service }) => [
    ...listProblems(`services[${index}].backends`, service, service.backends, service.port),
    ...service.paths.flatMap((path, pathIndex) => {
      const at = `services[${index}].paths[${pathIndex}].backends`;
      return listProblems(at, service, path.backends, path.port ?? service.port);
    }),
  ]);
}

function listProblems(
  path: string,
  service: ParsedService,
  backends: readonly ParsedBackend[] | undefined,
  port: ParsedService["port"],
): Problem[] {
  if (backends === undefined) {
    return [];
  }
  const problems: Problem[] = [];
  if (backends.every((backend) => backend.weight === 0)) {
    const value = backends.map((backend) => backend.weight);
    problems.push({ path, value, expected: "weights with a sum above 0, or every request fails" });
  }
  const seen = new Map<string, number>();
  backends.forEach((backend, index) => {
    const own = backend.service ?? backend.host ?? backend.address ?? "";
    const of = backend.service === undefined ? "" : (backend.namespace ?? service.namespace);
    const key = `${of}/${own}:${backend.port ?? port}`;
    const earlier = seen.get(key);
    if (earlier === undefined) {
      seen.set(key, index);
    } else {
      const expected = `a backend other than ${path}[${earlier}]: weights between equal backends have no effect`;
      const which = (["service", "host", "address"] as const).find((name) => backend[name] === own) ?? "service";
      problems.push({ path: `${path}[${index}].${which}`, value: own, expected });
    }
  });
  return problems;
}
