import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { StackConfig } from "../../../config";
import { Lab } from "../../../lab/lab";
import { checkMachine } from "../../../lab/machine";
import { locked, readState } from "../../../lab/state";
import type { Result } from "../../../lab/processes";
import { ensureTools, toolsAreCached, type Tools } from "../../../lab/tools";
import type { IstioVersion } from "../../../lab/tools/catalogue";

/** One lab for the whole suite: the running one, or a new one that ends with the suite. */
let lab: Lab | undefined;
let isOurs = false;
let folder: string | undefined;

export function theLab(): Lab {
  if (lab === undefined) {
    throw new Error("the lab is brought up by the suite's root hook");
  }
  return lab;
}

/** @param upgrade Releases of Istio that the lab can be upgraded to. */
export async function bringUp(upgrade: readonly IstioVersion[] = []): Promise<void> {
  await checkMachine(toolsAreCached());
  const tools = await ensureTools();
  const others: Tools[] = [];
  for (const version of upgrade) {
    others.push(await ensureTools(version));
  }
  await locked(async () => {
    isOurs = readState() === undefined;
    lab = await Lab.up(tools, { upgrade: others });
  });
  // An interrupted suite runs no hooks.
  process.once("exit", takeDown);
  folder = mkdtempSync(join(tmpdir(), "gateway-e2e-"));
}

export function takeDown(): void {
  if (folder !== undefined) {
    rmSync(folder, { recursive: true, force: true });
  }
  if (isOurs) {
    isOurs = false;
    Lab.down();
  }
}

export type Values = Record<string, unknown>;

/**
 * Writes a stack's file from its config keys, and returns its path. Unless they say how the proxies run, there is one small one:
 * what a proxy counts is then what all of them count.
 */
export function writeStack(stack: string, values: Values): string {
  const path = join(folder ?? tmpdir(), `Pulumi.${stack}.yaml`);
  const gateway = { infrastructure: { preset: "small" }, ...(values.gateway as Values | undefined) };
  const all = "existing" in gateway ? values : { ...values, gateway };
  const config = Object.fromEntries(Object.entries(all).map(([key, value]) => [`istio-gateway:${key}`, value]));
  writeFileSync(path, stringify({ config }, { compat: "yaml-1.1" }));
  return path;
}

/** Writes a file with services, or with objects of Kubernetes, next to the stacks' files. */
export function writeServices(path: string, services: object): void {
  writeFileSync(join(folder ?? tmpdir(), path), stringify(services, { compat: "yaml-1.1" }));
}

/** Creates what the stack refers to, without deploying it. */
export function prepare(stack: string, values: Values): Promise<StackConfig> {
  return theLab().prepare(stack, writeStack(stack, values));
}

/** Runs pulumi on a stack, and returns its output. */
export function pulumi(stack: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Result> {
  return theLab().run(["pulumi", ...command, "--non-interactive", "--stack", stack, "--color", "never"], { env });
}

/** Runs pulumi on a stack; if it fails, throws with its full output. */
export async function pulumiOk(
  stack: string,
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const { code, stdout, stderr } = await pulumi(stack, command, env);
  if (code !== 0) {
    throw new Error(`pulumi ${command.join(" ")} exited with ${code}:\n${stdout}\n${stderr}`);
  }
  return stdout;
}

/** Creates what the stack refers to, and deploys it. */
export async function deploy(stack: string, values: Values): Promise<StackConfig> {
  const config = await prepare(stack, values);
  await pulumiOk(stack, ["up", "--yes", "--skip-preview"]);
  return config;
}

/** Destroys a stack with everything in it, and forgets it. */
export async function destroy(stack: string): Promise<void> {
  await pulumiOk(stack, ["destroy", "--yes", "--skip-preview"]);
  await theLab().output(["pulumi", "stack", "rm", stack, "--yes", "--non-interactive"]);
}
