import * as pulumi from "@pulumi/pulumi";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config";
import { loadConfig, type GivenConfig } from "./load";
import type { StackConfig } from "./model";
import { ConfigError } from "./problem";

/** Exported by Pulumi, but left out of its types: whether any part of a key's value is a secret. */
const { isConfigSecret } = runtimeConfig as unknown as { isConfigSecret: (key: string) => boolean };

/** Keys that Pulumi hands over as plain text; every other key holds JSON. */
const TEXT_KEYS: ReadonlySet<string> = new Set(["domain"]);

/**
 * The config of the stack that is being deployed.
 * @throws {pulumi.RunError} that lists every problem. Pulumi prints it without a stack trace.
 */
export function stackConfig(): StackConfig {
  try {
    return loadConfig(givenConfig(pulumi.getProject(), pulumi.runtime.allConfig()));
  } catch (error) {
    throw error instanceof ConfigError ? new pulumi.RunError(error.message) : error;
  }
}

/** Pulumi's flat map of texts as values. What is not JSON is left as text, for the schema to refuse. */
export function givenConfig(project: string, all: Readonly<Record<string, string>>): GivenConfig {
  const values: Record<string, unknown> = {};
  const secretKeys = new Set<string>();
  for (const [key, text] of Object.entries(all)) {
    if (!key.startsWith(`${project}:`)) {
      continue;
    }
    const name = key.slice(project.length + 1);
    values[name] = TEXT_KEYS.has(name) ? text : parseJson(text);
    if (isConfigSecret(key)) {
      secretKeys.add(name);
    }
  }
  return { project, values, secretKeys };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
