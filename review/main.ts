import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadStackFile } from "../config/stackFile";
import { changes, reviewMarkdown } from "./changes";

const ROOT = join(__dirname, "..");

/** `npm run review -- [--base REVISION] [--stack STACK]`: what changed in the stacks since a revision, in words. */
function main(): void {
  const { values } = parseArgs({
    options: { base: { type: "string", default: "origin/main" }, stack: { type: "string" } },
  });
  const stacks = readdirSync(ROOT).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
  const wanted = stacks.filter((stack) => values.stack === undefined || stack === values.stack);
  if (wanted.length === 0) {
    throw new Error(`there is no stack ${values.stack ?? ""}: Pulumi.${values.stack ?? "STACK"}.yaml is missing`);
  }
  git(["rev-parse", "--verify", "--quiet", `${values.base}^{commit}`], `there is no revision ${values.base}`);
  for (const stack of wanted) {
    console.log(review(stack, values.base));
  }
}

function review(stack: string, base: string): string {
  const after = loadStackFile(join(ROOT, `Pulumi.${stack}.yaml`));
  if (git(["ls-tree", "--name-only", base, `Pulumi.${stack}.yaml`]) === "") {
    return `### ${stack}\n\nA new stack: https://*.${after.domain}, with ${after.services.length} services.\n`;
  }
  const folder = mkdtempSync(join(tmpdir(), "review-"));
  try {
    const file = join(folder, `Pulumi.${stack}.yaml`);
    writeFileSync(file, git(["show", `${base}:Pulumi.${stack}.yaml`]));
    return reviewMarkdown(stack, changes(loadStackFile(file), after));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function git(args: readonly string[], failure?: string): string {
  try {
    return execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    throw new Error(failure ?? `git ${args[0] ?? ""} failed`, { cause: error });
  }
}

try {
  main();
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
