import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { labFolder } from "../paths";
import { output, UserError } from "../processes";
import { GO_MODULE_RELEASE, PLUGINS, type PluginName } from "./catalogue";

const NAMES = Object.keys(PLUGINS) as PluginName[];

/** The plugin that the lab uses for a provider: a stand-in of `lab/plugins`, or a program. */
export type Provider =
  { readonly kind: "stand-in" } | { readonly kind: "official" | "go-module"; readonly program: string };

export type Providers = Readonly<Record<PluginName, Provider>>;

/** Chooses the providers: without it, official plugins where there are any, else stand-ins. */
export const PROVIDERS_VARIABLE = "ISTIO_GATEWAY_PROVIDERS";

/** Where to look for plugins; replaced in tests. */
export interface PluginSources {
  /** Value of ISTIO_GATEWAY_PROVIDERS. */
  readonly choice: string | undefined;
  /** Folders to look for programs in. */
  readonly path: string;
  /** Each may be a PULUMI_HOME: of the user, and of the lab's tools. */
  readonly homes: readonly string[];
  /** The Kubernetes provider that `npm run tools -- kubernetes-provider` has built, if it has. */
  readonly goModule: string | undefined;
  /** Tries to download an official plugin into one of the homes. */
  download(name: PluginName): Promise<void>;
}

/** Name of a plugin's folder in a PULUMI_HOME. */
export function pluginFolder(name: PluginName): string {
  return `resource-${name}-v${PLUGINS[name]}`;
}

/** Name of a plugin's program. */
export function pluginProgram(name: PluginName): string {
  return `pulumi-resource-${name}`;
}

/** @throws UserError if what was chosen is not there: a run that asks for official plugins must not use stand-ins. */
export async function findProviders(sources: PluginSources): Promise<Providers> {
  const { choice = "" } = sources;
  if (!["", "official", "go-module", "stand-in"].includes(choice)) {
    throw new UserError(`${PROVIDERS_VARIABLE} is ${choice}, expected official, go-module or stand-in`);
  }
  const found: [PluginName, Provider][] = [];
  for (const name of NAMES) {
    found.push([name, await findProvider(name, sources)]);
  }
  const providers = Object.fromEntries(found) as Providers;
  const missing = standIns(providers);
  if (choice === "official" && missing.length > 0) {
    throw new UserError(
      `${PROVIDERS_VARIABLE} is official, but there are no official plugins for ${missing.join(", ")}`,
    );
  }
  return providers;
}

async function findProvider(name: PluginName, sources: PluginSources): Promise<Provider> {
  const { choice, goModule } = sources;
  if (choice === "stand-in") {
    return { kind: "stand-in" };
  }
  if (choice === "go-module" && name === "kubernetes") {
    if (goModule === undefined) {
      throw new UserError("the Kubernetes provider is not built: run npm run tools -- kubernetes-provider");
    }
    return { kind: "go-module", program: goModule };
  }
  let program = findProgram(name, sources);
  if (program === undefined) {
    await sources.download(name);
    program = findProgram(name, sources);
  }
  return program === undefined ? { kind: "stand-in" } : { kind: "official", program };
}

function findProgram(name: PluginName, { path, homes }: PluginSources): string | undefined {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  const onPath = folders.map((folder) => join(folder, pluginProgram(name)));
  const installed = homes
    .map((home) => join(home, "plugins", pluginFolder(name)))
    // The CLI's mark of an installation that was interrupted.
    .filter((folder) => !existsSync(`${folder}.partial`))
    .map((folder) => join(folder, pluginProgram(name)));
  return [...onPath, ...installed].find((program) => existsSync(program));
}

/** PULUMI_HOMEs of the user. */
export function usersHomes(env: NodeJS.ProcessEnv = process.env): string[] {
  const { PULUMI_HOME: home } = env;
  // Inside the lab it is the lab's own, which holds stand-ins.
  const set = home === undefined || home.startsWith(labFolder()) ? [] : [home];
  return [...set, join(homedir(), ".pulumi")];
}

/** Has the CLI download a plugin; without the internet, nothing happens. */
export async function downloadPlugin(pulumi: string, home: string, name: PluginName): Promise<void> {
  const env = { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
  await output(pulumi, ["plugin", "install", "resource", name, PLUGINS[name]], { env }).catch(() => undefined);
}

/** Providers that are stand-ins. */
export function standIns(providers: Providers): PluginName[] {
  return NAMES.filter((name) => providers[name].kind === "stand-in");
}

/** One line for each provider. */
export function describeProviders(providers: Providers): string[] {
  return NAMES.map((name) => `provider ${name.padEnd(10)} ${describe(name, providers[name])}`);
}

function describe(name: PluginName, provider: Provider): string {
  if (provider.kind === "stand-in") {
    return `stand-in for ${PLUGINS[name]}`;
  }
  if (provider.kind === "go-module") {
    return `official ${GO_MODULE_RELEASE}, built from its Go module, though it says ${PLUGINS[name]}`;
  }
  const { program } = provider;
  const isOnPath = basename(dirname(program)) !== pluginFolder(name);
  return isOnPath ? `official, from PATH: ${program}` : `official ${PLUGINS[name]}: ${program}`;
}
