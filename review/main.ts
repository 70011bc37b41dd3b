import { join } from "node:path";
import { parseArgs } from "node:util";
import { command } from "../cli/command";
import { Repository } from "./repository";
import { review } from "./review";

/** `npm run review -- [--base REVISION] [--stack STACK]`: what changed in the stacks since a revision. */
function main(): void {
  const { values } = parseArgs({ options: { base: { type: "string" }, stack: { type: "string" } } });
  const repository = new Repository(join(__dirname, ".."));
  const stacks = repository.stacks(values.stack);
  const base = repository.base(values.base);
  const reviews = repository.at(base, (old) =>
    stacks.map((stack) => review(stack, base, { before: old.stackFile(stack), after: repository.stackFile(stack) })),
  );
  console.log(reviews.map(({ markdown }) => markdown).join("\n"));
  process.exitCode = reviews.every(({ sound }) => sound) ? 0 : 1;
}

void command(main);
