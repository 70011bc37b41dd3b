import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab/lab";
import { PULUMI_HOME } from "../lab/stacks";
import { costText, interleaved, type Cost } from "./clock";
import { contenders } from "./contenders";
import { growth, ratio, type Figure, type Results } from "./figure";
import type { Options } from "./options";
import { FOLDER, ONE_WRITE } from "./stacks";
import { firstUp } from "./update";

const FEW = 10;
const MANY = 100;

type Preview = "few" | "few, no log" | "empty, no log" | "many" | "many, no log";

/** The CLI's own work besides the steps: it writes the state at each step, and a log of everything. */
export async function cli(lab: Lab, { pairs, progress }: Options): Promise<Results> {
  const few = (await contenders(lab, "cli", FEW)).all;
  const many = (await contenders(lab, "cli", MANY)).all;
  const writes = await interleaved(
    pairs,
    { once: () => firstUp(many.gateway, ONE_WRITE), "at each step": () => firstUp(many.gateway) },
    progress,
    costText,
  );
  for (const contender of [few.gateway, few.empty, many.gateway]) {
    await contender.up(ONE_WRITE);
  }
  const noLog = { PULUMI_HOME: homeWithoutLog() };
  const previews = await interleaved<Preview, Cost>(
    pairs,
    {
      few: () => few.gateway.preview(),
      "few, no log": () => few.gateway.preview(noLog),
      "empty, no log": () => few.empty.preview(noLog),
      many: () => many.gateway.preview(),
      "many, no log": () => many.gateway.preview(noLog),
    },
    progress,
    costText,
  );
  return { figures: cliFigures(writes, previews), samples: { writes, previews } };
}

/**
 * A PULUMI_HOME with the lab's plugins, and a file where the log folder would be: the CLI has no option to turn its log off.
 *
 * @see https://github.com/pulumi/pulumi/issues/22416
 */
function homeWithoutLog(): string {
  const home = join(FOLDER, "home-without-log");
  mkdirSync(home);
  symlinkSync(join(PULUMI_HOME, "plugins"), join(home, "plugins"));
  writeFileSync(join(home, "logs"), "");
  return home;
}

/** Each round has a cost for each way to write the state, and for each preview. */
function cliFigures(
  writes: readonly Record<"once" | "at each step", Cost>[],
  previews: readonly Record<Preview, Cost>[],
): Figure[] {
  const further = (what: string, from: Preview, to: Preview) =>
    growth(what, previews, MANY - FEW, (r, key) => r[to][key] - r[from][key]);
  const against = (what: string, one: Preview, other: Preview) =>
    ratio(what, previews, (r, key) => r[one][key] / r[other][key]);
  return [
    ratio(
      `first up, ${MANY} services, its state written once, against written at each step`,
      writes,
      (r, key) => r.once[key] / r["at each step"][key],
    ),
    against(`preview, ${FEW} services, without the CLI's log, against with it`, "few, no log", "few"),
    against(`preview, ${MANY} services, without the CLI's log, against with it`, "many, no log", "many"),
    against(`preview, ${FEW} services, against an empty program, both without the log`, "few, no log", "empty, no log"),
    further("each further service in a preview, with the CLI's log", "few", "many"),
    further("each further service in a preview, without the CLI's log", "few, no log", "many, no log"),
  ];
}
