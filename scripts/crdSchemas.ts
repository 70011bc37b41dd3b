import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

interface CustomResourceDefinition {
  kind: string;
  metadata: { annotations?: Record<string, string> };
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: unknown } }[];
  };
}

/** JSON Schemas of the kinds that the program emits, by `GROUP/VERSION/KIND`, from CRD manifests. */
export function crdSchemas(files: readonly string[], kinds: readonly string[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const file of files) {
    for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
      const crd = document.toJS() as CustomResourceDefinition | null;
      if (crd?.kind !== "CustomResourceDefinition") {
        continue;
      }
      for (const version of crd.spec.versions) {
        const key = `${crd.spec.group}/${version.name}/${crd.spec.names.kind}`;
        if (kinds.includes(key)) {
          found[key] = withTypeMeta(strict(version.schema.openAPIV3Schema) as ObjectSchema);
        }
      }
    }
  }
  return found;
}

interface ObjectSchema {
  properties: Record<string, unknown>;
}

/** Every object has these, whether or not its CRD lists them. */
function withTypeMeta(schema: ObjectSchema): ObjectSchema {
  const typeMeta = { apiVersion: { type: "string" }, kind: { type: "string" }, metadata: { type: "object" } };
  return { ...schema, properties: { ...schema.properties, ...typeMeta } };
}

/**
 * The schema as a JSON Schema that rejects unknown fields, which an API server would silently prune. Descriptions and
 * Kubernetes' own keywords (CEL rules, list types) are left out; the lab's real API server checks those.
 */
function strict(schema: unknown, isWhole = true): unknown {
  if (Array.isArray(schema)) {
    return schema.map((entry) => strict(entry, isWhole));
  }
  if (typeof schema !== "object" || schema === null) {
    return schema;
  }
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "properties") {
      result[key] = Object.fromEntries(Object.entries(value as object).map(([name, field]) => [name, strict(field)]));
    } else if (key === "required" || key === "enum" || key === "default") {
      result[key] = value as unknown;
    } else if (key === "pattern" && String(value).includes("(?i)")) {
      // Go's inline flag to ignore case: JavaScript has none inside a pattern.
      continue;
    } else if (key !== "description" && key !== "format" && !key.startsWith("x-kubernetes-")) {
      // Alternatives add constraints to sibling fields: none describes the whole object.
      result[key] = strict(value, isWhole && !["oneOf", "anyOf", "allOf", "not"].includes(key));
    }
  }
  const open = "x-kubernetes-preserve-unknown-fields" in schema || "additionalProperties" in schema;
  if ("properties" in schema && !open && isWhole) {
    result.additionalProperties = false;
  }
  return result;
}
