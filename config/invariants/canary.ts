import type { Problem } from "../problem";
import { stableBackends } from "../resolve";
import type { BackendInput } from "../service";
import { versionService } from "../versions";
import type { IndexedService, SoundStack } from "./soundStack";

/** Gateway API v1: rules of an HTTPRoute. */
const MAX_RULES = 16;

/** A canary is another workload than the stable version, and its overrides leave room for every path. */
export function canaryProblems({ services }: SoundStack): Problem[] {
  return services.flatMap(ofService);
}

function ofService({ index, service }: IndexedService): Problem[] {
  const at = `services[${index}]`;
  const { canary } = service;
  if (canary === undefined) {
    return [];
  }
  const problems: Problem[] = [];
  const next = { ...canary, service: canary.service ?? versionService(service.name, "canary") };
  const key = (backend: Omit<BackendInput, "weight">) => `${backend.namespace ?? service.namespace}/${backend.service}`;
  if (stableBackends(service).some((backend) => key(backend) === key(next))) {
    const expected = "a Service other than the stable one: one Service is one set of pods, whatever its weights";
    problems.push({ path: `${at}.canary.service`, value: next.service, expected });
  }
  const paths = service.paths.filter((path) => path.backends === undefined).length;
  if (paths === 0) {
    const expected = "a path without backends of its own: the canary gets no request";
    problems.push({ path: `${at}.canary`, expected, value: next.service });
  }
  if (canary.override !== undefined && service.paths.length + paths > MAX_RULES) {
    const expected = `no override for more than ${MAX_RULES - service.paths.length} paths: an HTTPRoute holds ${MAX_RULES} rules`;
    problems.push({ path: `${at}.canary.override`, value: canary.override, expected });
  }
  return problems;
}
