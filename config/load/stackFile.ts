import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse } from "yaml";
import type { StackConfig } from "../resolve/model";
import { SEALED } from "../values/pem";
import { keyPath } from "../values/problem";
import { PROJECT } from "../values/project";
import { type GivenConfig, valueOfText } from "./givenConfig";
import { loadConfig } from "./load";

/**
 * Reads the config of a stack from its Pulumi.STACK.yaml, without Pulumi and without its secrets.
 * @throws {ConfigError} with every problem; a one-line Error if the file cannot be read.
 */
export function loadStackFile(path: string): StackConfig {
  return loadConfig(readStackFile(path));
}

/** Key paths of a stack file's encrypted values. */
export function sealedPaths(path: string): string[] {
  const look = (value: unknown, at: readonly (string | number)[]): string[] => {
    if (value === SEALED) {
      return [keyPath(at)];
    }
    if (Array.isArray(value)) {
      return value.flatMap((entry, index) => look(entry, [...at, index]));
    }
    const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
    return entries.flatMap(([key, entry]) => look(entry, [...at, key]));
  };
  return look(readStackFile(path).values, []);
}

/** The config keys of a stack file as given; encrypted values are replaced by `SEALED`. */
export function readStackFile(path: string): GivenConfig {
  const config = { ...projectConfig(join(dirname(path), "Pulumi.yaml")), ...parseFile(path) };
  const values: Record<string, unknown> = {};
  const secretKeys = new Set<string>();
  for (const [key, value] of Object.entries(config)) {
    const [namespace, name] = key.includes(":") ? key.split(":", 2) : [PROJECT, key];
    if (namespace !== PROJECT || name === undefined) {
      continue;
    }
    // `pulumi config set` writes booleans and numbers as text.
    const given = typeof value === "string" ? valueOfText(name, value) : value;
    values[name] = seal(given, () => secretKeys.add(name));
  }
  return { project: PROJECT, folder: dirname(path), values, secretKeys };
}

/**
 * What the project's file sets for all stacks; a stack's own key replaces it as a whole.
 * https://www.pulumi.com/docs/iac/concepts/config/#project-level-configuration
 */
function projectConfig(path: string): Record<string, unknown> {
  const entries = existsSync(path) ? Object.entries(parseFile(path)) : [];
  return Object.fromEntries(
    entries.map(([key, entry]) => {
      const { value, default: fallback } = (typeof entry === "object" && entry !== null ? entry : { value: entry }) as {
        value?: unknown;
        default?: unknown;
      };
      return [key, value ?? fallback];
    }),
  );
}

function parseFile(path: string): Record<string, unknown> {
  try {
    const file = parse(readFileSync(path, "utf8")) as { config?: Record<string, unknown> } | null;
    return file?.config ?? {};
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new Error(`cannot read the stack file ${basename(path)}: ${reason}`, { cause: error });
  }
}

/** Pulumi writes an encrypted value as `{ secure: CIPHERTEXT }`. */
function seal(value: unknown, onSecret: () => void): unknown {
  if (Array.isArray(value)) {
    return value.map((entry) => seal(entry, onSecret));
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]?.[0] === "secure") {
    onSecret();
    return SEALED;
  }
  return Object.fromEntries(entries.map(([key, entry]) => [key, seal(entry, onSecret)]));
}
