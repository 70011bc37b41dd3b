import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import type { StackConfig } from "../resolve/model";
import { unknownPort, withNumbers } from "../resolve/namedPorts";
import type { stackSchema } from "../schema/stack";
import { ConfigError, keyPath, type Problem } from "../values/problem";
import { isConfigSecret } from "./configSecret";
import { type GivenConfig, valueOfText } from "./givenConfig";
import { loadConfig } from "./load";
import { runError } from "./runError";
import { keysWithSecrets } from "./secrets";
import { sealedIn } from "./stackFile";

/**
 * The config of the stack being deployed.
 * @throws {pulumi.RunError} that lists every problem. Pulumi prints it without a stack trace.
 */
export function stackConfig(): StackConfig {
  const folder = projectFolder();
  const given = givenConfig(pulumi.getProject(), pulumi.runtime.allConfig(), folder);
  // Pulumi only tells the program which keys contain a secret, and not where.
  const file = join(folder, `Pulumi.${pulumi.getStack()}.yaml`);
  return checked(given.secretKeys.size === 0 ? given : { ...given, secretPaths: sealedIn(file) });
}

/** The folder of Pulumi.yaml. Language hosts older than 3.84 do not report it, but run the program there. */
function projectFolder(): string {
  const root = pulumi.getRootDirectory();
  return root === "" ? process.cwd() : root;
}

/** Everything that a stack may set, as another program passes it. */
export type GatewayConfigInput = z.input<typeof stackSchema>;

/**
 * The config of a gateway that another program creates, checked in the same way, with every default filled in. Ports by name are looked
 * up in the files of `kubernetes.services` only.
 * @throws {pulumi.RunError} that lists every problem.
 */
export function gatewayConfig(input: GatewayConfigInput): StackConfig<number> {
  const values = { ...input };
  const stack = checked({ project: "", folder: projectFolder(), values, secretKeys: keysWithSecrets(values) });
  const unknown = stack.namedPorts.filter(({ number }) => number === undefined);
  if (unknown.length > 0) {
    throw runError(new ConfigError("", unknown.map(unknownPort)).message);
  }
  return { ...stack, ...withNumbers(stack, stack.namedPorts) };
}

function checked(given: GivenConfig): StackConfig {
  try {
    return loadConfig(given);
  } catch (error) {
    throw error instanceof ConfigError ? runError(error.message) : error;
  }
}

/** Pulumi's flat map of text, as values. */
export function givenConfig(project: string, all: Readonly<Record<string, string>>, folder: string): GivenConfig {
  const values: Record<string, unknown> = {};
  const secretKeys = new Set<string>();
  for (const [key, text] of Object.entries(all)) {
    if (!key.startsWith(`${project}:`)) {
      continue;
    }
    const name = key.slice(project.length + 1);
    values[name] = valueOfText(name, text);
    if (isConfigSecret(key)) {
      secretKeys.add(name);
    }
  }
  return { project, folder, values, secretKeys, problems: dates(values) };
}

/** What Pulumi's CLI makes of a date without quotes in a stack file: `2022-11-28 00:00:00 +0000 UTC`. */
const DATE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [-+]\d{4} \S+$/;

function dates(values: Readonly<Record<string, unknown>>): Problem[] {
  return textsIn(values).flatMap(([path, value]) =>
    DATE.test(value) ? [{ path: keyPath(path), value, expected: "the date as a text: put it in quotes" }] : [],
  );
}

/** Every text in a value, with its path. */
function textsIn(value: unknown, at: readonly (string | number)[] = []): [(string | number)[], string][] {
  if (typeof value === "string") {
    return [[[...at], value]];
  }
  if (Array.isArray(value)) {
    return value.flatMap((entry, index) => textsIn(entry, [...at, index]));
  }
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return entries.flatMap(([key, entry]) => textsIn(entry, [...at, key]));
}
