import { dirname } from "node:path";

/** What runs in place of a container's image. */
export interface Program {
  readonly path: string;
  /** Its folder, which the container gets. */
  readonly folder: string;
}

/** The lab's program that each image stands for, by the last part of the image's name. */
const PROGRAMS: Readonly<Record<string, string>> = { ratelimit: "ratelimit", redis: "redis-server" };

/** The program of an image such as `docker.io/library/redis:7.2`. @throws Error where the lab has none. */
export function programOf(image: string, programs: Readonly<Record<string, string>>): Program {
  const [, name = ""] = /([^/:@]+)(:[^/]*)?(@.*)?$/.exec(image) ?? [];
  const path = programs[PROGRAMS[name] ?? ""];
  if (path === undefined) {
    throw new Error(`the lab has no program for the image ${image}`);
  }
  return { path, folder: dirname(path) };
}
