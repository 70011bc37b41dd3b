import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { format, resolveConfig } from "prettier";
import { Lab } from "../lab/lab";
import { checkMachine } from "../lab/machine";
import { REPOSITORY } from "../lab/paths";
import { main, UserError } from "../lab/processes";
import { locked, readState } from "../lab/state";
import { ensureTools, toolsAreCached } from "../lab/tools";
import type { Figure } from "./figure";
import type { Options } from "./options";
import { previewAndNoOp } from "./preview";
import { propagation } from "./propagation";
import { report, table, withTable } from "./report";
import { updates } from "./update";

const MEASUREMENTS: Readonly<Record<string, (lab: Lab, options: Options) => Promise<Figure[]>>> = {
  preview: previewAndNoOp,
  update: updates,
  propagation,
};
const PAGE = join(REPOSITORY, "docs", "performance.md");
const DATA = join(REPOSITORY, "docs", "performance.json");

/** `npm run bench -- [--only preview,update,propagation] [--pairs 10] [--services 3,10,100] [--write]` */
main(async () => {
  const { only, pairs, services, write } = parseArgs({
    options: {
      only: { type: "string", default: Object.keys(MEASUREMENTS).join(",") },
      pairs: { type: "string", default: "10" },
      services: { type: "string", default: "3,10,100" },
      write: { type: "boolean", default: false },
    },
  }).values;
  const chosen = only.split(",").map((name) => MEASUREMENTS[name]);
  const options = {
    pairs: positive("--pairs", pairs),
    services: services.split(",").map((count) => positive("--services", count)),
    progress: (text: string) => void process.stderr.write(`${text}\n`),
  };
  await checkMachine(toolsAreCached());
  const tools = await ensureTools();
  if (readState() !== undefined) {
    throw new UserError("a lab runs: end it by npm run lab -- down; the benchmark has one of its own");
  }
  const lab = await locked(() => Lab.up(tools));
  try {
    const figures: Figure[] = [];
    for (const measure of chosen) {
      if (measure === undefined) {
        throw new UserError(`--only is ${only}, expected some of ${Object.keys(MEASUREMENTS).join(",")}`);
      }
      figures.push(...(await measure(lab, options)));
      if (write) {
        const made = report(figures, options.pairs, tools.standIns);
        await writeFormatted(DATA, JSON.stringify(made));
        await writeFormatted(PAGE, withTable(readFileSync(PAGE, "utf8"), table(made)));
      }
    }
    console.log(table(report(figures, options.pairs, tools.standIns)));
  } finally {
    Lab.down();
  }
  return 0;
});

async function writeFormatted(path: string, text: string): Promise<void> {
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }));
}

function positive(option: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) {
    throw new UserError(`${option} is ${text}, expected a number from 1`);
  }
  return Number(text);
}
