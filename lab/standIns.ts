import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { transformFileSync, type Options } from "@swc/core";
import { REPOSITORY } from "./paths";
import type { Tools } from "./tools";
import type { PluginName } from "./tools/catalogue";
import { pluginFolder, pluginProgram, type Provider } from "./tools/providers";
import { linkPlugin, scriptPlugin } from "./tools/pulumi";

const SOURCE = join(REPOSITORY, "lab", "plugins");

/** ts-node would load the TypeScript compiler whenever a plugin starts, and Pulumi starts them for every command. */
const TRANSPILED: Options = {
  jsc: { parser: { syntax: "typescript" }, target: "es2022" },
  module: { type: "commonjs" },
  sourceMaps: "inline",
};

/** Puts the plugin of each provider where Pulumi looks: a link to a program, or a stand-in. */
export function installPlugins({ providers, standIns }: Pick<Tools, "providers" | "standIns">, folder: string): void {
  for (const [name, provider] of Object.entries(providers) as [PluginName, Provider][]) {
    if (provider.kind !== "stand-in") {
      linkPlugin(join(folder, pluginFolder(name)), pluginProgram(name), provider.program);
    }
  }
  installStandIns(standIns, folder);
}

/** Transpiles the stand-ins of `lab/plugins` into a folder next to this one, and puts a program for each where Pulumi looks. */
export function installStandIns(names: readonly PluginName[], pluginsFolder: string): void {
  const made = join(dirname(pluginsFolder), "stand-ins");
  for (const file of readdirSync(SOURCE, { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".ts")) {
      const path = join(made, file.replace(/\.ts$/, ".js"));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, transformFileSync(join(SOURCE, file), TRANSPILED).code);
    }
  }
  for (const name of names) {
    const folder = join(pluginsFolder, pluginFolder(name));
    const command = `NODE_PATH='${join(REPOSITORY, "node_modules")}' exec '${process.execPath}' '${join(made, name, "main.js")}'`;
    scriptPlugin(folder, pluginProgram(name), `${command} "$@"`);
  }
}
