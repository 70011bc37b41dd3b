import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { StackConfig } from "../resolve/model";
import { withKnownNumbers } from "../resolve/namedPorts";
import { SEALED } from "../values/pem";
import { keyPath, type KeyPath } from "../values/problem";
import { PROJECT } from "../values/project";
import { type GivenConfig, valueOfText } from "./givenConfig";
import { loadConfig } from "./load";
import { type Misread, PULUMIS_BOUND, readYamlFile } from "./yamlFile";

/**
 * Reads the config of a stack from its Pulumi.STACK.yaml, without Pulumi, its secrets and a cluster. Ports by name that no file of
 * kubernetes.services has keep their names.
 * @throws {ConfigError} with every problem; a one-line Error if the file cannot be read.
 */
export function loadStackFile(path: string): StackConfig {
  const stack = loadConfig(readStackFile(path));
  return { ...stack, ...withKnownNumbers(stack, stack.namedPorts) };
}

/** Key paths of a stack file's encrypted values. None if the file cannot be read. */
export function sealedIn(path: string): readonly KeyPath[] {
  try {
    return readStackFile(path).secretPaths ?? [];
  } catch {
    return [];
  }
}

/** The environments of Pulumi ESC that a stack file imports, by name. What they set, only Pulumi reads. */
export function environmentsOf(path: string): readonly string[] {
  return readStackFile(path).environments ?? [];
}

/**
 * The config keys of a stack file, with the values that Pulumi passes to the program; encrypted ones are replaced by `SEALED`.
 * @throws Error in one line, if the file cannot be read.
 */
export function readStackFile(path: string): GivenConfig {
  const stack = readFile(path);
  const projectFile = join(dirname(path), "Pulumi.yaml");
  const project = existsSync(projectFile) ? projectConfig(readFile(projectFile)) : { config: {}, misreads: [] };
  const values: Record<string, unknown> = {};
  const secretPaths: KeyPath[] = [];
  for (const [name, value] of Object.entries({ ...project.config, ...stack.config })) {
    const sealed = seal(value, [name], secretPaths);
    values[name] = valueOfText(name, asText(sealed));
  }
  const inProject = project.misreads
    .filter(({ path: [name = ""] }) => !Object.hasOwn(stack.config, name))
    .map(({ expected, ...misread }) => ({ ...misread, expected: `${expected}, in Pulumi.yaml` }));
  return {
    project: PROJECT,
    folder: dirname(path),
    values,
    secretKeys: new Set(secretPaths.map(([key]) => String(key))),
    secretPaths,
    problems: [...stack.misreads, ...inProject].map(({ path: at, text, expected }) => ({
      path: keyPath(at),
      value: text,
      expected,
    })),
    environments: stack.environments,
  };
}

/** What Pulumi passes to the program: text, in JSON if it is not a text. A key without a value is an empty text. */
function asText(value: unknown): string {
  return typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
}

interface ConfigFile {
  /** The values of this project's keys, which have no namespace here. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly misreads: readonly Misread[];
  readonly environments: readonly string[];
}

/**
 * What the project's file sets for all stacks; a stack's own key replaces it as a whole.
 * https://www.pulumi.com/docs/iac/concepts/config/#project-level-configuration
 */
function projectConfig({ config, misreads }: ConfigFile): Pick<ConfigFile, "config" | "misreads"> {
  const values = Object.entries(config).map(([name, entry]) => {
    const isShort = typeof entry !== "object" || entry === null || Array.isArray(entry);
    const { value, default: fallback } = (isShort ? { value: entry } : entry) as { value?: unknown; default?: unknown };
    return [name, value ?? fallback] as const;
  });
  return {
    config: Object.fromEntries(values.filter(([, value]) => value !== undefined && value !== null)),
    misreads: misreads.map((misread) => ({
      ...misread,
      path: misread.path.filter((key, index) => index !== 1 || (key !== "value" && key !== "default")),
    })),
  };
}

function readFile(path: string): ConfigFile {
  try {
    const { value, misreads } = readYamlFile(path, PULUMIS_BOUND);
    return configFile(asMap(value, "the file"), misreads);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new Error(`cannot read the stack file ${basename(path)}: ${reason}`, { cause: error });
  }
}

/** `NAMESPACE:NAME`, of old `NAMESPACE:config:NAME`; a key without a namespace is the project's. */
const KEY = /^(?:([^:]*):(?:config:)?)?([^:]*)$/;

function configFile(file: Record<string, unknown>, misreads: readonly Misread[]): ConfigFile {
  const given = asMap(file.config, "config");
  const config: Record<string, unknown> = {};
  /** Names by the keys of the file. */
  const names = new Map<string | number | undefined, string>();
  for (const [key, value] of Object.entries(given)) {
    const [found, namespace = PROJECT, name = ""] = KEY.exec(key) ?? [];
    if (found === undefined) {
      throw new Error(`the key ${key} of config is not of the form NAMESPACE:NAME`);
    }
    if (namespace === PROJECT) {
      if (Object.hasOwn(config, name)) {
        throw new Error(`config has the key ${name} twice, once as ${key}`);
      }
      config[name] = value;
      names.set(key, name);
    }
  }
  const whole = misreads.find(({ path }) => path.length === 0 || (path.length === 1 && path[0] === "config"));
  if (whole !== undefined) {
    throw new Error(`${JSON.stringify(whole.text)}, expected ${whole.expected}`);
  }
  return {
    config,
    misreads: misreads.flatMap((misread) => {
      const [top, key, ...rest] = misread.path;
      const name = top === "config" ? names.get(key) : undefined;
      return name === undefined ? [] : [{ ...misread, path: [name, ...rest] }];
    }),
    environments: environments(file.environment),
  };
}

/** A map; empty if there is nothing. */
function asMap(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && !Array.isArray(value)) {
    return (value ?? {}) as Record<string, unknown>;
  }
  if (value === undefined) {
    return {};
  }
  throw new Error(`${what} is not a map`);
}

/** The names in a list of environments, or in an environment that the file itself defines. */
function environments(given: unknown): string[] {
  if (given === undefined || given === null) {
    return [];
  }
  const imports = Array.isArray(given) ? (given as unknown[]) : (given as { imports?: unknown }).imports;
  const names = (Array.isArray(imports) ? (imports as unknown[]) : []).flatMap((entry) =>
    typeof entry === "object" && entry !== null ? Object.keys(entry) : [String(entry)],
  );
  return names.length > 0 || Array.isArray(given) ? names : ["defined in the file"];
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
  if (entries.length === 1 && entries[0]?.[0] === "secure" && typeof entries[0][1] === "string") {
    found.push(path);
    return SEALED;
  }
  return Object.fromEntries(entries.map(([key, entry]) => [key, seal(entry, [...path, key], found)]));
}
