import { dirname } from "node:path";

/** The program that replaces a container's image. */
export interface Program {
  readonly path: string;
  /** Its folder, which is mounted in the container. */
  readonly folder: string;
}

/** The lab's program for each image, by the last part of the image's name. */
const PROGRAMS: Readonly<Record<string, string>> = { ratelimit: "ratelimit", redis: "redis-server" };

/** The program of an image such as `docker.io/library/redis:7.2`. @throws Error if the lab has none. */
export function programOf(image: string, programs: Readonly<Record<string, string>>): Program {
  const [, name = ""] = /([^/:@]+)(:[^/]*)?(@.*)?$/.exec(image) ?? [];
  const path = programs[PROGRAMS[name] ?? ""];
  if (path === undefined) {
    throw new Error(`the lab has no program for the image ${image}`);
  }
  return { path, folder: dirname(path) };
}
