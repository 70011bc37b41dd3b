import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse } from "yaml";
import type { StackConfig } from "../resolve/model";
import { SEALED } from "../values/pem";
import type { KeyPath } from "../values/problem";
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

/** Key paths of a stack file's encrypted values. None if the file cannot be read. */
export function sealedIn(path: string): readonly KeyPath[] {
  try {
    return readStackFile(path).secretPaths ?? [];
  } catch {
    return [];
  }
}

/** The config keys of a stack file as given; encrypted values are replaced by `SEALED`. */
export function readStackFile(path: string): GivenConfig {
  const config = { ...projectConfig(join(dirname(path), "Pulumi.yaml")), ...parseFile(path) };
  const values: Record<string, unknown> = {};
  const secretPaths: KeyPath[] = [];
  for (const [key, value] of Object.entries(config)) {
    const [namespace, name] = key.includes(":") ? key.split(":", 2) : [PROJECT, key];
    if (namespace !== PROJECT || name === undefined) {
      continue;
    }
    // `pulumi config set` writes booleans and numbers as text.
    const given = typeof value === "string" ? valueOfText(name, value) : value;
    values[name] = seal(given, [name], secretPaths);
  }
  const secretKeys = new Set(secretPaths.map(([key]) => String(key)));
  return { project: PROJECT, folder: dirname(path), values, secretKeys, secretPaths };
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

/** Pulumi writes an encrypted value as `{ secure: CIPHERTEXT }`. The places of those in `value`, which is at `path`, go to `found`. */
function seal(value: unknown, path: KeyPath, found: KeyPath[]): unknown {
  if (Array.isArray(value)) {
    return value.map((entry, index) => seal(entry, [...path, index], found));
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]?.[0] === "secure") {
    found.push(path);
    return SEALED;
  }
  return Object.fromEntries(entries.map(([key, entry]) => [key, seal(entry, [...path, key], found)]));
}
