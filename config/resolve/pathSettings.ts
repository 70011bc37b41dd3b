import type { CorsInput } from "../schema/routing/cors";
import type { PathInput } from "../schema/routing/path";
import type { IndexedService } from "../schema/service";

import type { RetryInput } from "../schema/routing/retry";
import type { DefaultsConfig } from "../schema/service";

/** A value, and the key path that gave it. */
export interface Given<T> {
  readonly at: string;
  readonly value: T;
}

/** What a path of a service is subject to, wherever it is set. */
export interface Inherited {
  readonly here: string;
  readonly path: PathInput;
  readonly request?: Given<string>;
  readonly backendRequest?: Given<string>;
  readonly retry?: Given<RetryInput>;
  readonly cors?: Given<CorsInput>;
}

/** For each path of a service: its own value, else the service's, else the default. */
export function inheritedByPaths({ index, service }: IndexedService, defaults: DefaultsConfig): Inherited[] {
  return service.paths.map((path, pathIndex) => {
    const here = `services[${index}].paths[${pathIndex}]`;
    const places = [
      { at: here, place: path },
      { at: `services[${index}]`, place: service },
      // A GRPCRoute has none of what defaults say.
      ...(service.protocol === "grpc" ? [] : [{ at: "defaults", place: defaults }]),
    ];
    const first = <T>(key: string, read: (place: Partial<PathInput>) => T | undefined): Given<T> | undefined => {
      for (const { at, place } of places) {
        const value = read(place);
        if (value !== undefined) {
          return { at: `${at}.${key}`, value };
        }
      }
      return undefined;
    };
    return {
      here,
      path,
      request: first("timeouts.request", ({ timeouts }) => timeouts?.request),
      backendRequest: first("timeouts.backendRequest", ({ timeouts }) => timeouts?.backendRequest),
      retry: first("retry", ({ retry }) => retry),
      cors: first("cors", ({ cors }) => cors),
    };
  });
}
