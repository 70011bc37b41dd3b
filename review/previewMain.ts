import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { PackConfig } from "../policy/evaluate";
import { command } from "../cli/command";
import { preview } from "./preview";
import { previewMarkdown } from "./previewMarkdown";
import { Repository } from "./repository";

/**
 * `npm run preview -- [--stack STACK] [--base REVISION] [--policy-config FILE] [--json]`: what the work tree would do to a stack,
 * without a cluster or secrets. Exits with 1 if the config is wrong, a mandatory policy is violated, or the base cannot be run.
 */
function main(): void {
  const { values } = parseArgs({
    options: {
      stack: { type: "string" },
      base: { type: "string" },
      "policy-config": { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const repository = new Repository(join(__dirname, ".."));
  const stacks = repository.stacks(values.stack);
  const base = repository.base(values.base);
  const file = values["policy-config"];
  const config = file === undefined ? undefined : (JSON.parse(readFileSync(file, "utf8")) as PackConfig);
  const previews = repository.at(base, (old) => stacks.map((stack) => preview(repository, old, stack, base, config)));
  console.log(values.json ? JSON.stringify(previews, null, 2) : previews.map(previewMarkdown).join("\n"));
  process.exitCode = previews.every(({ passed }) => passed) ? 0 : 1;
}

void command(main);
