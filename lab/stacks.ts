import { randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { parse, parseDocument, stringify } from "yaml";
import { readStackFile } from "../config/load/stackFile";
import { yamlFiles } from "../config/schema/fields";
import { kubeEnv } from "./controlPlane";
import { outputInside } from "./namespaces";
import { REPOSITORY } from "./paths";
import { script, UserError } from "./processes";
import { installPlugins } from "./standIns";
import { labPath } from "./state";
import type { Tools } from "./tools";
import { describeProviders, type Providers } from "./tools/providers";

/**
 * Pulumi writes to a stack's file, so it works on copies: the lab's project holds the stack files, and a link to the
 * program in the repository.
 */
const PROJECT = labPath("project");
const BIN = labPath("bin");
/** The lab's PULUMI_HOME, with a plugin for each provider. */
export const PULUMI_HOME = labPath("pulumi-home");
const PASSPHRASE_FILE = labPath("passphrase");
const PROVIDERS_FILE = labPath("providers.json");

/**
 * Starts the policy pack: `--policy-pack` accepts a program instead of a folder. The language host of a CLI that was
 * built here cannot start a pack from a folder.
 */
export const POLICY_PACK = labPath("policy-pack");

/** Where istioctl asks the istiod of a revision. */
export function xdsAddress(revision?: string): string {
  return `istiod${revision === undefined ? "" : `-${revision}`}.istio-system.svc:15010`;
}

/** Environment for every command in the lab. */
export function labEnv(): NodeJS.ProcessEnv {
  return {
    ...kubeEnv(),
    PATH: [BIN, process.env.PATH ?? ""].join(delimiter),
    ISTIOCTL_XDS_ADDRESS: xdsAddress(),
    ISTIOCTL_PLAINTEXT: "true",
    PULUMI_BACKEND_URL: `file://${labPath("pulumi")}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: PASSPHRASE_FILE,
    PULUMI_HOME,
    // Those on PATH are in PULUMI_HOME if the lab is to use them.
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The lab's language host is older than the SDK and does not set it.
    PULUMI_NODEJS_ROOT_DIRECTORY: PROJECT,
  };
}

/** Creates the project folder, and the folder that comes first on PATH in the lab. */
export function prepareProject(tools: Tools): void {
  for (const folder of [PROJECT, BIN, join(PULUMI_HOME, "plugins"), labPath("pulumi")]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  if (!existsSync(PASSPHRASE_FILE)) {
    writeFileSync(PASSPHRASE_FILE, randomBytes(24).toString("hex"), { mode: 0o600 });
  }
  linkProject(REPOSITORY, PROJECT);
  for (const [name, path] of Object.entries(tools.programs)) {
    // The CLI looks for its language host next to itself.
    if (!name.startsWith("pulumi")) {
      link(path, join(BIN, name));
    }
  }
  script(join(BIN, "pulumi"), `exec '${tools.programs.pulumi}' -C '${PROJECT}' "$@"`);
  installPlugins(tools, join(PULUMI_HOME, "plugins"));
  writeFileSync(PROVIDERS_FILE, JSON.stringify(tools.providers));
  const runPack = join(REPOSITORY, "node_modules", "@pulumi", "pulumi", "cmd", "run-policy-pack");
  script(POLICY_PACK, `cd '${join(REPOSITORY, "policy")}' && exec '${process.execPath}' '${runPack}' "$1" .`);
}

/** The providers of the running lab, one line each. */
export function providersInUse(): string[] {
  return describeProviders(JSON.parse(readFileSync(PROVIDERS_FILE, "utf8")) as Providers);
}

/** Makes a folder a Pulumi project whose program is that of another. */
export function linkProject(source: string, folder: string): void {
  const project = parse(readFileSync(join(source, "Pulumi.yaml"), "utf8")) as Record<string, unknown>;
  writeFileSync(join(folder, "Pulumi.yaml"), stringify({ ...project, main: "program" }));
  link(source, join(folder, "program"));
}

/** Puts a link at a path, in place of an earlier one. */
function link(target: string, path: string): void {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

/** A stack's file in the repository. @throws UserError if there is none. */
export function stackFile(stack: string, folder = REPOSITORY): string {
  const path = join(folder, `Pulumi.${stack}.yaml`);
  if (!/^[A-Za-z0-9_.-]+$/.test(stack) || !existsSync(path)) {
    throw new UserError(`there is no stack ${stack}: Pulumi.${stack}.yaml is missing`);
  }
  return path;
}

/** The lab's own copy of a stack's file, which Pulumi writes to. */
export function stackCopy(stack: string): string {
  return join(PROJECT, `Pulumi.${stack}.yaml`);
}

/** Copies a stack's file into the lab's project, keeping the copy's encryption salt, and creates the stack. */
export async function takeStack(pid: number, stack: string, file: string): Promise<void> {
  const copy = stackCopy(stack);
  // Each scalar stays as it is written: Pulumi reads a date without quotes otherwise than one in quotes.
  const given = parseDocument(readFileSync(file, "utf8"));
  const kept = existsSync(copy) ? ((parse(readFileSync(copy, "utf8")) ?? {}) as Record<string, unknown>) : {};
  if (kept.encryptionsalt !== undefined) {
    given.set("encryptionsalt", kept.encryptionsalt);
  }
  copyNamedFiles(file);
  const state = labPath("pulumi", ".pulumi", "stacks", "istio-gateway", `${stack}.json`);
  writeFileSync(copy, given.toString({ lineWidth: 0 }));
  if (!existsSync(state)) {
    await outputInside(pid, ["pulumi", "stack", "init", stack, "--non-interactive"], { env: labEnv() });
  }
}

/** The program looks for the files that a stack names next to the lab's copy, and reports those that could not be copied. */
function copyNamedFiles(file: string): void {
  const { folder, values } = readStackFile(file);
  const { services } = (values.kubernetes ?? {}) as { services?: unknown };
  for (const path of [values.serviceFiles, services].flatMap((paths) => yamlFiles.safeParse(paths).data ?? [])) {
    mkdirSync(dirname(join(PROJECT, path)), { recursive: true });
    if (existsSync(join(folder, path))) {
      cpSync(join(folder, path), join(PROJECT, path));
    }
  }
}

/** Takes every stack of the repository, so that pulumi finds it by name. */
export async function takeAllStacks(pid: number): Promise<void> {
  for (const file of readdirSync(REPOSITORY)) {
    const [, stack] = /^Pulumi\.(.+)\.yaml$/.exec(basename(file)) ?? [];
    if (stack !== undefined) {
      await takeStack(pid, stack, join(REPOSITORY, file));
    }
  }
}
