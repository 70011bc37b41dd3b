import { join } from "node:path";
import { serviceFilesSchema } from "../schema/serviceFiles";
import { keyPath, type Problem } from "../values/problem";
import type { GivenConfig } from "./givenConfig";
import type { YamlContent } from "./yamlFile";

/** A config with all services in one list, whichever file they came from. */
export interface Gathered {
  readonly values: Readonly<Record<string, unknown>>;
  /** For each service, its place as users know it: `services[0]`, or `services/shop.yaml[0]`. */
  readonly places: readonly string[];
  readonly problems: readonly Problem[];
}

/** Reads the service files that a config names. */
export function gatherServices({ values, folder }: GivenConfig): Gathered {
  const paths = serviceFilesSchema.safeParse(values.serviceFiles);
  const own = values.services ?? [];
  // Their schemas report what is wrong with either.
  if (!paths.success || !Array.isArray(own)) {
    return { values, places: [], problems: [] };
  }
  const services: unknown[] = [...(own as unknown[])];
  const places = own.map((_, index) => `services[${index}]`);
  const problems: Problem[] = [];
  for (const [index, path] of paths.data.entries()) {
    const { found, misreads = [], reason } = readList(join(folder, path));
    if (found === undefined) {
      problems.push({
        path: `serviceFiles[${index}]`,
        value: path,
        expected: `a YAML file with a list of services: ${reason}`,
      });
      continue;
    }
    const first = services.length;
    for (const {
      path: [place, ...rest],
      text,
      expected,
    } of misreads) {
      problems.push({ path: keyPath(["services", first + Number(place), ...rest]), value: text, expected });
    }
    services.push(...found);
    places.push(...found.map((_, place) => `${path}[${place}]`));
  }
  return { values: { ...values, services }, places, problems };
}

function readList(
  path: string,
): { found: readonly unknown[]; misreads: YamlContent["misreads"]; reason?: undefined } | Unread {
  try {
    // Only if there is such a file: each module that is loaded slows down every `pulumi up`.
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const { OWN_BOUND, readYamlFile } = require("./yamlFile") as typeof import("./yamlFile");
    const { value, misreads } = readYamlFile(path, OWN_BOUND);
    return Array.isArray(value) && misreads.every(({ path: at }) => at.length > 0)
      ? { found: value as unknown[], misreads }
      : { reason: "it is not a list" };
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const firstLine = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return { reason: isMissing ? "there is no such file" : (firstLine ?? "") };
  }
}

interface Unread {
  readonly found?: undefined;
  readonly misreads?: undefined;
  readonly reason: string;
}

/** Replaces `services[N]` in a text by the places that users know. */
export function relabel(text: string, places: readonly string[]): string {
  return text.replace(/\bservices\[(\d+)\]/g, (place, index: string) => places[Number(index)] ?? place);
}
