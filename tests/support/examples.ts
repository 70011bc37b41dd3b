import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { compileFunction } from "node:vm";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";
import * as components from "../../components";
import { REPOSITORY } from "../../lab/paths";

const FOLDER = join(REPOSITORY, "examples");

/** Names of the example programs. */
export const EXAMPLES: readonly string[] = readdirSync(FOLDER).sort();

export function exampleSource(name: string): string {
  return readFileSync(join(FOLDER, name, "index.ts"), "utf8");
}

/**
 * Runs an example's program with the components of this repository.
 * @returns What Pulumi would take for the stack's outputs, or for the function that makes them.
 */
export function runExample(name: string): unknown {
  const { outputText } = transpileModule(exampleSource(name), {
    compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true },
  });
  const inFolder = createRequire(join(FOLDER, name, "index.ts"));
  const load = (module: string): unknown => (module === "istio-unified-gateway" ? components : inFolder(module));
  const module: { exports: unknown } = { exports: {} };
  const run = compileFunction(outputText, ["module", "exports", "require"]) as (...globals: unknown[]) => void;
  run(module, module.exports, load);
  return module.exports;
}
