import assert from "node:assert/strict";
import type { PluginName } from "../../../lab/tools/catalogue";
import { Cluster } from "./cluster";
import { Plugin } from "./plugin";
import { Providers } from "./providers";

let providers: Providers | undefined;
let cluster: Cluster | undefined;

/** Started by the suite's root hook. */
export function theCluster(): Cluster {
  assert.ok(cluster);
  return cluster;
}

export function theProviders(): Providers {
  assert.ok(providers);
  return providers;
}

/** Starts a plugin, and configures it. */
export async function startPlugin(
  name: PluginName,
  config: Record<string, string> = {},
  env: NodeJS.ProcessEnv = {},
): Promise<Plugin> {
  const plugin = await Plugin.start(name, theProviders().get(name).program, env);
  await plugin.configure(config);
  return plugin;
}

export async function bringUp(): Promise<void> {
  providers = await Providers.find();
  for (const name of ["kubernetes", "random", "tls"] as const) {
    console.info(`  contract of ${name}: ${providers.get(name).description}`);
  }
  cluster = await Cluster.start(providers.tools.programs);
}

export function takeDown(): void {
  cluster?.stop();
  providers?.remove();
}

/** Cases that are true only since a release of the provider, and why; printed at the end. */
const younger: string[] = [];

/**
 * A case that older providers do not fulfil. With an older one it is not skipped: there it must fail.
 * @param why What the older provider does.
 */
export function since(release: string, why: string, title: string, body: () => Promise<void>): void {
  it(`${title} (since ${release})`, async () => {
    if (isOlder(theProviders().get("kubernetes").release, release)) {
      await assert.rejects(body, `this is a release before ${release}, and yet: ${title}`);
      younger.push(`${title} (since ${release}; before, ${why})`);
    } else {
      await body();
    }
  });
}

export function listDifferences(): void {
  if (younger.length > 0) {
    console.info(`\n  differs by the provider's age, each confirmed:\n${younger.map((it) => `  - ${it}\n`).join("")}`);
  }
}

function isOlder(release: string, than: string): boolean {
  const [a = [], b = []] = [release, than].map((text) => text.split(".").map(Number));
  const place = b.findIndex((part, index) => part !== (a[index] ?? 0));
  return place >= 0 && (a[place] ?? 0) < (b[place] ?? 0);
}
