import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { transformFileSync, type Options } from "@swc/core";
import { REPOSITORY } from "./paths";
import type { PluginName } from "./tools/catalogue";
import { pluginFolder, pluginProgram } from "./tools/providers";
import { scriptPlugin } from "./tools/pulumi";

const SOURCE = join(REPOSITORY, "lab", "plugins");

/** ts-node would load the TypeScript compiler whenever a plugin starts, and Pulumi starts them for every command. */
const TRANSPILED: Options = {
  jsc: { parser: { syntax: "typescript" }, target: "es2022" },
  module: { type: "commonjs" },
  sourceMaps: "inline",
};

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
