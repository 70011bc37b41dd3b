import { z } from "zod";
import { stackShape } from "./stack";
import { pathRuleSchema, pathSchema } from "./routing/path";
import { PROJECT } from "../values/project";

type JsonSchema = z.core.JSONSchema.BaseSchema;

const TEXT_OR_SECRET: JsonSchema = {
  anyOf: [
    { type: "string" },
    { type: "object", properties: { secure: { type: "string" } }, required: ["secure"], additionalProperties: false },
  ],
};

/** JSON Schema of a Pulumi.STACK.yaml, for editors: it completes keys and shows their docs. */
export function stackFileSchema(): JsonSchema {
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
        required: [`${PROJECT}:domain`],
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
    ...jsonSchema(stackShape.services),
  };
}

function jsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...result } = z.toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema: json }) => {
      if (zodSchema === pathSchema) {
        replace(json, { description: json.description, anyOf: [{ type: "string" }, jsonSchema(pathRuleSchema)] });
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
