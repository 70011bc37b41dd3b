import { type HeaderChanges, MAX_HEADERS } from "../schema/routing/filters";
import type { IndexedService } from "../schema/service";

/** Room for other headers in a list that the program adds one to. */
export const MAX_OTHER_HEADERS = MAX_HEADERS - 1;

/** Where a service and its paths change headers. */
export function headerChanges(
  { index, service }: IndexedService,
  key: "requestHeaders" | "responseHeaders",
): { at: string; changes: HeaderChanges }[] {
  const own = { at: `services[${index}].${key}`, changes: service[key] };
  const ofPaths = service.paths.map((path, pathIndex) => ({
    at: `services[${index}].paths[${pathIndex}].${key}`,
    changes: path[key],
  }));
  return [own, ...ofPaths].flatMap(({ at, changes }) => (changes ? [{ at, changes }] : []));
}
