import { z } from "zod";
import { domainRuleSchema, domainSchema } from "./certificate/domains";
import { hostRuleSchema, hostSchema } from "./entry/hosts";
import { stackShape } from "./stack";
import { pathRuleSchema, pathSchema } from "./path";
import { PROJECT } from "../values/project";

type JsonSchema = z.core.JSONSchema.BaseSchema;

const TEXT_OR_SECRET: JsonSchema = {
  anyOf: [
    { type: "string" },
    { type: "object", properties: { secure: { type: "string" } }, required: ["secure"], additionalProperties: false },
  ],
};

const TEXT_OR_FILE: JsonSchema = {
  anyOf: [
    { type: "string" },
    {
      type: "object",
      properties: { file: { type: "string", description: "File with the text, below the project's folder." } },
      required: ["file"],
      additionalProperties: false,
    },
  ],
};

/** JSON Schema of a Pulumi.STACK.yaml, for editors: it completes keys, and shows their docs with forms and defaults. */
export function stackFileSchema(): JsonSchema {
  return withDetails(plainStackFileSchema()) as JsonSchema;
}

/** The same with the descriptions alone. `phrase` says in words what a JSON Schema cannot. */
export function plainStackFileSchema(): JsonSchema {
  const properties = Object.entries(stackShape).map(
    ([key, schema]) => [`${PROJECT}:${key}`, jsonSchema(schema)] as const,
  );
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Stack file of the unified Istio gateway",
    type: "object",
    properties: {
      config: {
        type: "object",
        properties: Object.fromEntries(properties),
        anyOf: [{ required: [`${PROJECT}:services`] }, { required: [`${PROJECT}:serviceFiles`] }],
      },
    },
    required: ["config"],
  };
}

/** JSON Schema of a service file: a list of services. */
export function serviceFileSchema(): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Service file of the unified Istio gateway",
    ...(withDetails(jsonSchema(stackShape.services)) as JsonSchema),
  };
}

/** Descriptions that also tell the form and the default: editors show nothing else of a key. */
function withDetails(json: unknown): unknown {
  if (Array.isArray(json)) {
    return json.map(withDetails);
  }
  if (typeof json !== "object" || json === null) {
    return json;
  }
  const { phrase, ...schema } = Object.fromEntries(
    Object.entries(json).map(([key, value]) => [key, KEEP.has(key) ? (value as unknown) : withDetails(value)]),
  );
  if (typeof schema.description !== "string") {
    return schema;
  }
  const isBounded = typeof phrase === "string" && phrase.includes(" ");
  const details = [
    ...(isBounded ? [`A ${phrase}.`] : []),
    ...(isPlain(schema.default) ? [`Default: ${asText(schema.default)}.`] : []),
  ];
  return { ...schema, description: [schema.description, ...details].join(" ") };
}

const KEEP: ReadonlySet<string> = new Set(["default", "enum", "const", "required"]);

/** Whether a default says anything: one that is a map of defaults is told at its keys. */
export function isPlain(value: unknown): boolean {
  return value !== undefined && (typeof value !== "object" || Object.keys(value ?? {}).length > 0);
}

/** A default as it is written in a stack file. */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Schemas that a text is short for, by those that take both. */
const TEXT_OR_MAP: ReadonlyMap<z.core.$ZodType, z.ZodType> = new Map<z.core.$ZodType, z.ZodType>([
  [pathSchema, pathRuleSchema],
  [domainSchema, domainRuleSchema],
  [hostSchema, hostRuleSchema],
]);

function jsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...result } = z.toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema: json }) => {
      const full = TEXT_OR_MAP.get(zodSchema);
      if (full !== undefined) {
        replace(json, { description: json.description, anyOf: [{ type: "string" }, jsonSchema(full)] });
      }
      if (json.inFile === true) {
        replace(json, { description: json.description, ...TEXT_OR_FILE });
      }
      if (json.sealable === true) {
        replace(json, { description: json.description, ...TEXT_OR_SECRET });
      }
    },
  });
  return result;
}

function replace(json: JsonSchema, by: JsonSchema): void {
  for (const key of Object.keys(json)) {
    Reflect.deleteProperty(json, key);
  }
  Object.assign(json, by);
}
