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
import { cli } from "./cli";
import { dataPlane } from "./dataPlane";
import { memory } from "./dataPlane/memory";
import type { Results } from "./figure";
import type { Options } from "./options";
import { previewAndNoOp } from "./preview";
import { propagation } from "./propagation";
import { pageText, part, withText, type Part, type Report } from "./report";
import { scale } from "./scale";
import { ups } from "./scale/ups";
import { updates } from "./update";

const MEASUREMENTS: Readonly<Record<string, (lab: Lab, options: Options) => Promise<Results>>> = {
  preview: previewAndNoOp,
  update: updates,
  cli,
  propagation,
  dataplane: dataPlane,
  memory,
  scale,
  ups,
};
const TITLES = {
  preview: "Preview, and an update with nothing to do",
  update: "First update, and the update of one change",
  cli: "The CLI's state and log",
  propagation: "From the API server to the first answer",
  dataplane: "Data plane",
  memory: "Memory of a route",
  scale: "A thousand services",
  ups: "A thousand services by the program's own commands",
} as const;
const PAGE = join(REPOSITORY, "docs", "performance.md");
const DATA = join(REPOSITORY, "docs", "performance.json");

/** `npm run bench -- [--only preview,update,…] [--pairs 10] [--services 3,10,100] [--sizes 10,100,1000] [--write]` */
main(async () => {
  const { only, pairs, services, sizes, write } = parseArgs({
    options: {
      only: { type: "string", default: Object.keys(MEASUREMENTS).join(",") },
      pairs: { type: "string", default: "10" },
      services: { type: "string", default: "3,10,100" },
      sizes: { type: "string", default: "10,100,1000" },
      write: { type: "boolean", default: false },
    },
  }).values;
  const chosen = only.split(",").map((name) => {
    const measure = MEASUREMENTS[name];
    if (measure === undefined) {
      throw new UserError(`--only is ${only}, expected some of ${Object.keys(MEASUREMENTS).join(",")}`);
    }
    return { name, measure };
  });
  const options = {
    pairs: positive("--pairs", pairs),
    services: services.split(",").map((count) => positive("--services", count)),
    sizes: sizes.split(",").map((count) => positive("--sizes", count)),
    progress: (text: string) => void process.stderr.write(`${text}\n`),
  };
  await checkMachine(toolsAreCached());
  const tools = await ensureTools();
  if (readState() !== undefined) {
    throw new UserError("a lab is running: end it with npm run lab -- down; the benchmark starts its own");
  }
  const lab = await locked(() => Lab.up(tools));
  process.once("exit", () => Lab.down());
  const made: Record<string, Part> = {};
  for (const { name, measure } of chosen) {
    made[name] = part(await measure(lab, options), options.pairs, tools.standIns);
    if (write) {
      // Keeps what other runs measured, with their dates.
      const report = { ...(JSON.parse(readFileSync(DATA, "utf8")) as Report), ...made };
      await writeFormatted(DATA, JSON.stringify(report));
      await writeFormatted(PAGE, withText(readFileSync(PAGE, "utf8"), pageText(report, TITLES)));
    }
  }
  console.log(pageText(made, TITLES));
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
