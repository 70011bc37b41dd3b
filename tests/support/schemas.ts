import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import type { Registered } from "./deployment";

/** What the real CRDs of a channel refuse in the objects, and would prune: one line for each error. */
export function schemaErrors(channel: "standard" | "experimental", resources: readonly Registered[]): string[] {
  const read = (file: string) =>
    JSON.parse(readFileSync(join(__dirname, "..", "crds", `${file}.json`), "utf8")) as Record<string, object>;
  const schemas = { ...read(channel), ...read("istio"), ...read("prometheus-operator") };
  const ajv = new Ajv({ strict: false, allErrors: true });
  return resources.flatMap(({ type, name, inputs }) => {
    const [, group = "", kind = ""] = type.split(":");
    if (!type.startsWith("kubernetes:") || !group.includes(".")) {
      return [];
    }
    const schema = schemas[`${group}/${kind}`];
    if (schema === undefined) {
      return [`${name}: no CRD for ${group}/${kind}`];
    }
    const validate = ajv.compile(schema);
    validate(JSON.parse(JSON.stringify(inputs)));
    return (validate.errors ?? []).map((error) => `${name}${error.instancePath}: ${error.message ?? ""}`);
  });
}
