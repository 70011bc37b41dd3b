import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv, { type ValidateFunction } from "ajv";
import type { Registered } from "./deployment";

type Channel = "standard" | "experimental";

const ajv = new Ajv({ strict: false, allErrors: true });
const schemas = new Map<Channel, Record<string, object>>();
const compiled = new Map<object, ValidateFunction>();

/** What a channel's real CRDs would reject or prune in the objects: one line for each error. */
export function schemaErrors(channel: Channel, resources: readonly Registered[]): string[] {
  return resources.flatMap(({ type, name, inputs }) => {
    const [, group = "", kind = ""] = type.split(":");
    // Kubernetes's own kinds have no CRDs.
    const isOwn = !group.includes(".") || group.startsWith("admissionregistration.k8s.io/");
    if (!type.startsWith("kubernetes:") || isOwn) {
      return [];
    }
    const schema = schemasOf(channel)[`${group}/${kind}`];
    if (schema === undefined) {
      return [`${name}: no CRD for ${group}/${kind}`];
    }
    const validate = validator(schema);
    validate(JSON.parse(JSON.stringify(inputs)));
    return (validate.errors ?? []).map((error) => `${name}${error.instancePath}: ${error.message ?? ""}`);
  });
}

function schemasOf(channel: Channel): Record<string, object> {
  const read = (file: string) =>
    JSON.parse(readFileSync(join(__dirname, "..", "crds", `${file}.json`), "utf8")) as Record<string, object>;
  const found = schemas.get(channel) ?? {
    ...read(channel),
    ...read("istio"),
    ...read("prometheus-operator"),
    ...read("cert-manager"),
    ...read("streams"),
  };
  schemas.set(channel, found);
  return found;
}

/** Compiled once, because it is slow. */
function validator(schema: object): ValidateFunction {
  const validate = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, validate);
  return validate;
}
