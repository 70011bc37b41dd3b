import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isMap } from "../values/isMap";
import { keyPath, type KeyPath, type Problem } from "../values/problem";
import type { GivenConfig } from "./givenConfig";

/** A path below the project's folder. */
const PATH = /^(?!.*(^|\/)\.{1,2}(\/|$))[\w.@-]+(\/[\w.@-]+)*$/;

/** Replaces each `{ file: PATH }` in errorPages, of the gateway and of services, by the text of the file. */
export function withPageFiles({ values, folder }: Pick<GivenConfig, "values" | "folder">): {
  readonly values: GivenConfig["values"];
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const read = (value: unknown, path: KeyPath): unknown => {
    if (Array.isArray(value)) {
      return value.map((entry, index) => read(entry, [...path, index]));
    }
    if (!isMap(value)) {
      return value;
    }
    const { file, ...others } = value;
    if (typeof file !== "string" || Object.keys(others).length > 0) {
      return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, read(entry, [...path, key])]));
    }
    try {
      return PATH.test(file) ? readFileSync(join(folder, file), "utf8") : value;
    } catch {
      problems.push({
        path: keyPath(path),
        value: file,
        expected: "a file below the project's folder that can be read",
      });
      return value;
    }
  };
  const inside = (holder: unknown, path: KeyPath): unknown =>
    isMap(holder) && holder.errorPages !== undefined
      ? { ...holder, errorPages: read(holder.errorPages, [...path, "errorPages"]) }
      : holder;
  const { gateway, services } = values;
  return {
    values: {
      ...values,
      ...(gateway === undefined ? {} : { gateway: inside(gateway, ["gateway"]) }),
      ...(Array.isArray(services)
        ? { services: services.map((service, index) => inside(service, ["services", index])) }
        : {}),
    },
    problems,
  };
}
