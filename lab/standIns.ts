import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { transformFileSync, type Options } from "@swc/core";
import { REPOSITORY } from "./paths";
import { script } from "./processes";
import { labPath } from "./state";
import { PLUGINS, type PluginName } from "./tools/catalogue";

const SOURCE = join(REPOSITORY, "lab", "plugins");
const MADE = labPath("plugins");

/** ts-node would load the TypeScript compiler whenever a plugin starts, and Pulumi starts them for every command. */
const TRANSPILED: Options = {
  jsc: { parser: { syntax: "typescript" }, target: "es2022" },
  module: { type: "commonjs" },
  sourceMaps: "inline",
};

/** Transpiles the stand-ins of `lab/plugins` into the lab's folder, and puts a program for each where Pulumi looks. */
export function installStandIns(names: readonly PluginName[], pluginsFolder: string): void {
  for (const file of readdirSync(SOURCE, { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".ts")) {
      const path = join(MADE, file.replace(/\.ts$/, ".js"));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, transformFileSync(join(SOURCE, file), TRANSPILED).code);
    }
  }
  for (const name of names) {
    const folder = join(pluginsFolder, `resource-${name}-v${PLUGINS[name]}`);
    mkdirSync(folder, { recursive: true });
    const command = `NODE_PATH='${join(REPOSITORY, "node_modules")}' exec '${process.execPath}' '${join(MADE, name, "main.js")}'`;
    script(join(folder, `pulumi-resource-${name}`), `${command} "$@"`);
  }
}
