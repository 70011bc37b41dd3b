import { answersOf, hasBackends } from "./answers";
import type { Redirect } from "../schema/routing/answers";
import type { Cors } from "../schema/routing/cors";
import type { ParsedPath } from "../schema/path";
import type { Retry } from "../schema/routing/retry";
import type { DefaultsConfig, IndexedService } from "../schema/service";

/** A value, and the key path that set it. */
export interface Given<T> {
  readonly at: string;
  readonly value: T;
}

/** The settings that apply to a path of a service, wherever they are set. Those for backends only if it has some. */
export interface PathSettings {
  readonly here: string;
  readonly path: ParsedPath;
  readonly request?: Given<string>;
  readonly backendRequest?: Given<string>;
  /** False: no retries. */
  readonly retry?: Given<Retry | false>;
  readonly cors?: Given<Cors>;
  readonly redirect?: Given<Redirect>;
}

/** For each path of a service: its own value, or else the service's, or else the default. */
export function pathSettings({ index, service }: IndexedService, defaults: DefaultsConfig): PathSettings[] {
  return service.paths.map((path, pathIndex) => {
    const here = `services[${index}].paths[${pathIndex}]`;
    const places = [
      { at: here, place: path },
      { at: `services[${index}]`, place: service },
      // A GRPCRoute has no fields for these defaults.
      ...(service.protocol === "grpc" ? [] : [{ at: "defaults", place: defaults }]),
    ];
    const first = <T>(key: string, read: (place: Partial<ParsedPath>) => T | undefined): Given<T> | undefined => {
      for (const { at, place } of places) {
        const value = read(place);
        if (value !== undefined) {
          return { at: `${at}.${key}`, value };
        }
      }
      return undefined;
    };
    if (!hasBackends(answersOf(service, path))) {
      return { here, path, redirect: unlessOff(first("redirect", ({ redirect }) => redirect)) };
    }
    return {
      here,
      path,
      request: first("timeouts.request", ({ timeouts }) => timeouts?.request),
      backendRequest: first("timeouts.backendRequest", ({ timeouts }) => timeouts?.backendRequest),
      retry: first("retry", ({ retry }) => retry),
      cors: unlessOff(first("cors", ({ cors }) => cors)),
    };
  });
}

/** `false`, which turns off an inherited value, counts as not set. */
function unlessOff<T>(given: Given<T | false> | undefined): Given<T> | undefined {
  return given === undefined || given.value === false ? undefined : { at: given.at, value: given.value };
}
