import * as pulumi from "@pulumi/pulumi";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config";
import type { z } from "zod";
import type { StackConfig } from "../resolve/model";
import type { stackSchema } from "../schema/stack";
import { ConfigError } from "../values/problem";
import { type GivenConfig, valueOfText } from "./givenConfig";
import { loadConfig } from "./load";
import { runError } from "./runError";

/** Exported by Pulumi, but missing from its types: whether any part of a key's value is secret. */
const { isConfigSecret } = runtimeConfig as unknown as { isConfigSecret: (key: string) => boolean };

/**
 * The config of the stack being deployed.
 * @throws {pulumi.RunError} that lists every problem. Pulumi prints it without a stack trace.
 */
export function stackConfig(): StackConfig {
  return checked(givenConfig(pulumi.getProject(), pulumi.runtime.allConfig(), projectFolder()));
}

/** The folder of Pulumi.yaml. Language hosts older than 3.84 do not report it, but run the program there. */
function projectFolder(): string {
  const root = pulumi.getRootDirectory();
  return root === "" ? process.cwd() : root;
}

/** Everything that a stack may set, as another program passes it. */
export type GatewayConfigInput = z.input<typeof stackSchema>;

/** Parts that contain keys and passwords: errors show none of their values. */
const SECRET_KEYS: ReadonlySet<string> = new Set(["certificate", "kubernetes", "rateLimitService"]);

/**
 * The config of a gateway that another program creates, checked in the same way, with every default filled in.
 * @throws {pulumi.RunError} that lists every problem.
 */
export function gatewayConfig(input: GatewayConfigInput): StackConfig {
  return checked({ project: "", folder: projectFolder(), values: { ...input }, secretKeys: SECRET_KEYS });
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
  return { project, folder, values, secretKeys };
}
