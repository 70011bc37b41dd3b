import { rmSync } from "node:fs";
import { join } from "node:path";
import { memoryProblem } from "../machine";
import { UserError } from "../processes";
import { duration, Progress } from "../progress";
import type { GoSet } from "./catalogue";
import { BUILD_VARIABLE, findRelease, Unavailable, type Part } from "./download";
import { buildGoSet, goSetFolder, installGoSet, isComplete } from "./goSet";
import { findGo, goOnPath } from "./python";

/** Oldest Go that the go.mod files accept. */
const OLDEST_GO = [1, 26] as const;

/** Folders of the cache's tools, and of the sets' go.mod files. */
export interface Place {
  readonly tools: string;
  readonly sources: string;
}

/** Something else to install, beside the builds. */
export interface Step {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

/** Whether a set's release is installed and in use. */
export function isReleased(set: GoSet, { tools, sources }: Place): boolean {
  return set.release !== undefined && !buildsAll() && isComplete(goSetFolder(set, tools, sources, true));
}

/** Folder of a set: of its release, if that is installed, or of what was built. */
export function setFolder(set: GoSet, place: Place): string {
  return goSetFolder(set, place.tools, place.sources, isReleased(set, place));
}

function buildsAll(env: NodeJS.ProcessEnv = process.env): boolean {
  const { [BUILD_VARIABLE]: choice = "" } = env;
  if (!["", "build"].includes(choice)) {
    throw new UserError(`${BUILD_VARIABLE} is ${choice}, expected build, or nothing`);
  }
  return choice === "build";
}

/**
 * Downloads the releases of sets, and returns the sets that must be built. All servers are asked at the same time, so that a
 * machine that reaches only registries waits once.
 * @throws UserError if a checksum differs.
 */
export async function installReleases(sets: readonly GoSet[], place: Place): Promise<GoSet[]> {
  const { tools, sources } = place;
  const found = new Map<GoSet, readonly Part[] | undefined>();
  await Promise.all(
    sets.map(async (set) => {
      const programs = Object.keys(set.programs);
      // A set of files only has nothing to build.
      const release = set.release ?? (programs.length === 0 ? {} : undefined);
      const isWanted = release !== undefined && !buildsAll();
      found.set(set, isWanted ? await findRelease(release, programs) : undefined);
    }),
  );
  const reached = sets.filter((set) => found.get(set) !== undefined);
  const failed: GoSet[] = [];
  const downloads = join(tools, "downloads");
  const progress = new Progress("downloads", reached.length);
  const go = await goOnPath(OLDEST_GO);
  for (const set of reached) {
    const folder = goSetFolder(set, tools, sources, set.release !== undefined);
    const parts = found.get(set) ?? [];
    try {
      await progress.step(set.name, () => installGoSet(set, parts, folder, { sources, downloads, go }));
    } catch (error) {
      if (!(error instanceof Unavailable)) {
        throw error;
      }
      console.error(`${set.name} is built, because it cannot be downloaded: ${error.message}`);
      failed.push(set);
    }
  }
  rmSync(downloads, { recursive: true, force: true });
  return sets.filter((set) => found.get(set) === undefined || failed.includes(set));
}

/** Builds sets one after another: Go uses all cores for each, and two at a time would only take twice the memory. */
export async function buildSets(sets: readonly GoSet[], place: Place, before: readonly Step[] = []): Promise<void> {
  const { tools, sources } = place;
  const expected = sets.reduce((sum, { seconds = 0 }) => sum + seconds, 0);
  if (sets.length > 0) {
    const time = expected === 0 ? "" : `, about ${duration(expected)} with 2 cores`;
    console.error(`building ${sets.map(({ name }) => name).join(", ")} from source${time}`);
    const problem = memoryProblem();
    if (problem !== undefined) {
      console.error(problem);
    }
  }
  const steps = sets.length === 0 ? before.length : before.length + sets.length + 1;
  const progress = new Progress("tools", steps, process.stderr, expected);
  for (const { name, run } of before) {
    await progress.step(name, run);
  }
  if (sets.length > 0) {
    const go = await progress.step("Go", () => findGo(tools, OLDEST_GO));
    for (const set of sets) {
      const name = `${set.name} (${Object.keys(set.programs).join(", ")})`;
      const folder = goSetFolder(set, tools, sources);
      await progress.step(name, () => buildGoSet(set, go, folder, sources), set.seconds);
    }
  }
}
