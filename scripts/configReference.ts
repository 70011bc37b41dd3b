import type { z } from "zod";
import { asText, isPlain, plainStackFileSchema } from "../config/schema/jsonSchema";
import { PROJECT } from "../config/values/project";

type Schema = z.core.JSONSchema.BaseSchema;

/** A map of keys in the config: it has a heading and a table of its own. */
interface Section {
  /** Where it stands first, as `services[].canary`. */
  readonly path: string;
  readonly schema: Schema;
}

const INTRODUCTION = `# Config reference

Made from the program's own schema by \`npm run generate\`: change the schema, not this page.

All keys go under \`config:\` in \`Pulumi.STACK.yaml\`, with \`${PROJECT}:\` in front. **Bold** keys are required. Keys that are not listed are refused.
\`[]\` stands for each entry of a list, \`*\` for each key of a map.

## The language of the config

- A duration is a text with units: \`500ms\`, \`30s\`, \`1h30m\`, \`90d\`.
- A size is a Kubernetes quantity in bytes: \`64Ki\`, \`1Mi\`, or a plain number of bytes.
- A share is a number of percent; its key is \`percent\` or ends in \`Percent\`.
- A map that has several forms says which one by \`type\`.
- A feature is turned on by setting its map. \`false\` in place of the map turns it off where it is inherited or on by default. A limit of zero (\`0s\`,
  \`0\`) is no limit, as in Envoy and the Gateway API.
- Enum values are spelled as in Istio, Envoy and the Gateway API where they come from there (\`PathPrefix\`, \`LEAST_REQUEST\`), and in lower case with dashes
  where they are this program's own (\`self-signed\`).
`;

/** The config reference as Markdown: a table for each map of keys, the same map once. */
export function configReference(schema: Schema = plainStackFileSchema()): string {
  const config = properties(schema).config ?? {};
  const stripped = Object.entries(properties(config)).map(([key, value]) => [key.replace(`${PROJECT}:`, ""), value]);
  const required = (config.required ?? []).map((key) => key.replace(`${PROJECT}:`, ""));
  const stack = { properties: Object.fromEntries(stripped) as Record<string, Schema>, required };
  const sections: Section[] = [{ path: "", schema: stack }];
  // Breadth first: what a service shares with its paths is told at the service.
  for (const section of sections) {
    for (const [key, value] of Object.entries(properties(section.schema))) {
      for (const found of mapsWithin(join(section.path, key), value)) {
        if (!sections.some((known) => sameMap(known.schema, found.schema))) {
          sections.push(found);
        }
      }
    }
  }
  const order = ["", ...Object.keys(stack.properties)];
  const place = ({ path }: Section) => order.indexOf(path.split(/[.[]/)[0] ?? "");
  const sorted = [...sections].sort((a, b) => place(a) - place(b));
  return [INTRODUCTION, ...sorted.map((section) => sectionText(section, sections))].join("\n");
}

function sectionText({ path, schema }: Section, sections: readonly Section[]): string {
  const rows = Object.entries(properties(schema)).map(([key, value]) => {
    const name = schema.required?.includes(key) === true ? `**\`${key}\`**` : `\`${key}\``;
    const cells = [name, valueText(join(path, key), value, sections), defaultText(value), value.description ?? ""];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  const heading = path === "" ? "## Keys of a stack" : `## ${title(path, schema)}`;
  return [heading, "", "| key | value | default | meaning |", "| --- | --- | --- | --- |", ...rows, ""].join("\n");
}

/** What may be written: a type with its bounds, or where the map is told. */
function valueText(path: string, schema: Schema, sections: readonly Section[]): string {
  const within = (part: string, value: Schema) => valueText(`${path}${part}`, value, sections);
  const known = isMap(schema) ? sections.find((section) => sameMap(section.schema, schema)) : undefined;
  if (known !== undefined) {
    const text = title(known.path, known.schema);
    return `[${text}](#${anchor(text)})`;
  }
  if (isSealed(schema)) {
    return "text, as a Pulumi secret";
  }
  if (typeof schema.phrase === "string") {
    return schema.phrase;
  }
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants !== undefined) {
    return variants.map((variant) => within("", variant)).join(", or ");
  }
  if (schema.type === "array") {
    const entries = range(schema.minItems, schema.maxItems);
    return `list${entries && ` (${entries})`} of ${within("[]", schema.items as Schema)}`;
  }
  if (typeof schema.additionalProperties === "object") {
    return `map of ${within(".*", schema.additionalProperties)}`;
  }
  if (schema.const !== undefined) {
    return code(schema.const);
  }
  if (schema.enum !== undefined) {
    return schema.enum.map(code).join(", ");
  }
  return [typeText(schema), range(schema.minimum, schema.maximum)].filter(Boolean).join(" ");
}

function typeText({ type }: Schema): string {
  if (type === "boolean") {
    return "`true`, `false`";
  }
  if (type === "integer" || type === "number") {
    return type;
  }
  return "text";
}

/** Bounds, without those that only stand for "any number". */
function range(from?: number, to?: number): string {
  if (to !== undefined && to < Number.MAX_SAFE_INTEGER) {
    return `${from ?? 0} to ${to}`;
  }
  return from === undefined || from < 0 ? "" : `at least ${from}`;
}

function defaultText({ default: value }: Schema): string {
  return isPlain(value) ? code(value) : "";
}

/** The maps of keys that a value is or holds, each with its path. */
function mapsWithin(path: string, schema: Schema): Section[] {
  if (isMap(schema)) {
    return isSealed(schema) ? [] : [{ path, schema }];
  }
  const variants = isSealed(schema) ? [] : (schema.anyOf ?? schema.oneOf ?? []);
  const entries = [
    ...variants.map((variant) => [path, variant] as const),
    ...(schema.type === "array" ? [[`${path}[]`, schema.items as Schema] as const] : []),
    ...(typeof schema.additionalProperties === "object" ? [[`${path}.*`, schema.additionalProperties] as const] : []),
  ];
  return entries.flatMap(([at, value]) => mapsWithin(at, value));
}

/** `certificate, mode: existing`: a variant is told apart by a key that has to be given, with one value. */
function title(path: string, schema: Schema): string {
  const fixed = Object.entries(properties(schema)).flatMap(([key, value]) =>
    value.const !== undefined && schema.required?.includes(key) === true ? [`${key}: ${String(value.const)}`] : [],
  );
  return [path, ...fixed].join(", ");
}

/** How GitHub makes an anchor of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- _]/gu, "")
    .replaceAll(" ", "-");
}

const properties = (schema: Schema): Record<string, Schema> => (schema.properties ?? {}) as Record<string, Schema>;
const isMap = (schema: Schema): boolean => Object.keys(properties(schema)).length > 0;
const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);
const code = (value: unknown): string => `\`${asText(value)}\``;

/** Pulumi writes an encrypted value as `{ secure: CIPHERTEXT }`. */
function isSealed(schema: Schema): boolean {
  return "secure" in properties(schema) || (schema.anyOf ?? []).some(isSealed);
}

function sameMap(a: Schema, b: Schema): boolean {
  return JSON.stringify(properties(a)) === JSON.stringify(properties(b));
}
