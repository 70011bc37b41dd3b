import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { FindService, KnownService } from "../resolve/namedPorts";
import type { KubernetesConfig } from "../schema/cluster/kubernetes";
import type { Problem } from "../values/problem";

/** The Services in files, as `kubectl get services -o yaml` or `helm template` print them. */
export interface KnownServices {
  /** Undefined if a file cannot be read. */
  readonly find: FindService | undefined;
  readonly problems: readonly Problem[];
}

/** Reads the files of `kubernetes.services`. Of two objects for one Service the later counts, as if both were applied. */
export function knownServices(kubernetes: KubernetesConfig | undefined, folder: string): KnownServices {
  const services = new Map<string, KnownService>();
  const problems = (kubernetes?.services ?? []).flatMap((file, index): Problem[] => {
    const found = servicesIn(join(folder, file));
    if (typeof found === "string") {
      return [{ path: `kubernetes.services[${index}]`, value: file, expected: `a YAML file with Services: ${found}` }];
    }
    for (const { metadata, spec } of found) {
      services.set(`${metadata.namespace ?? ""}/${metadata.name}`, spec ?? {});
    }
    return [];
  });
  // Charts often leave the namespace to whoever applies them.
  const find: FindService = ({ namespace, service }) =>
    services.get(`${namespace}/${service}`) ?? services.get(`/${service}`);
  return { find: problems.length === 0 ? find : undefined, problems };
}

const serviceObject = z.object({
  apiVersion: z.literal("v1"),
  kind: z.literal("Service"),
  metadata: z.object({ name: z.string(), namespace: z.string().nullish() }),
  spec: z
    .object({
      type: z.string().nullish(),
      externalName: z.string().nullish(),
      ports: z
        .array(z.object({ name: z.string().nullish(), port: z.number(), protocol: z.string().nullish() }))
        .nullish(),
    })
    .nullish(),
});

const listObject = z.object({ kind: z.enum(["List", "ServiceList"]), items: z.array(z.unknown()) });

/** The Services in a file, or in a few words why there are none. */
function servicesIn(path: string): z.output<typeof serviceObject>[] | string {
  let objects: unknown[];
  try {
    const text = readFileSync(path, "utf8");
    // Only if there is such a file: each module that is loaded slows down every `pulumi up`.
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const { parseAllDocuments } = require("yaml") as typeof import("yaml");
    objects = [...parseAllDocuments(text, { uniqueKeys: false, logLevel: "error" })].map((document) => {
      const [error] = document.errors;
      if (error !== undefined) {
        throw error;
      }
      return document.toJS() as unknown;
    });
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const firstLine = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return isMissing ? "there is no such file" : (firstLine ?? "");
  }
  const found = objects
    .flatMap((object) => listObject.safeParse(object).data?.items ?? [object])
    .flatMap((object) => serviceObject.safeParse(object).data ?? []);
  return found.length === 0 ? "it has none" : found;
}
