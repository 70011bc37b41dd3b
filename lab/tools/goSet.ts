import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { output } from "../processes";
import type { GoSet } from "./catalogue";
import { installParts, type Part } from "./download";
import { moduleFolder } from "./module";

/** Written last: a folder without it is an interrupted build, and is rebuilt. */
const COMPLETE = ".complete";

export function goModFolder({ name, goMod = name }: GoSet, sources: string): string {
  return join(sources, goMod);
}

/** Folder of a set's programs; its name depends on every input of the build, or of the installed release. */
export function goSetFolder(set: GoSet, tools: string, sources: string, released = false): string {
  const inputs = { ...set, seconds: undefined, release: released ? set.release : undefined };
  const hash = createHash("sha256").update(JSON.stringify(inputs)).update(process.arch);
  const folder = goModFolder(set, sources);
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of entries.map(({ parentPath, name }) => join(parentPath, name)).sort()) {
    hash.update(readFileSync(file));
  }
  return join(tools, `${set.name}${released ? "-released" : ""}-${hash.digest("hex").slice(0, 12)}`);
}

export function isComplete(folder: string): boolean {
  return existsSync(join(folder, COMPLETE));
}

/** Runs `make` on an empty folder, and moves it into place once complete. Does nothing if it is complete already. */
export async function makeFolder(folder: string, make: (partial: string) => Promise<void>): Promise<void> {
  if (isComplete(folder)) {
    return;
  }
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    await make(partial);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
  writeFileSync(join(partial, COMPLETE), "");
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
}

/** Builds the programs of a set. After an interruption, Go's own build cache makes the next attempt fast. */
export async function buildGoSet(set: GoSet, go: string, folder: string, sources: string): Promise<void> {
  const cwd = goModFolder(set, sources);
  const env = {
    ...process.env,
    CGO_ENABLED: "0",
    GOTOOLCHAIN: "local",
    GOWORK: "off",
    GOFLAGS: "-mod=readonly -buildvcs=false",
  };
  const variables = Object.entries(set.variables ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  const tags = set.tags === undefined ? [] : [`-tags=${set.tags}`];
  const ldflags = ["-s", "-w", ...variables].join(" ");
  await makeFolder(folder, async (partial) => {
    const build = (to: string, packages: readonly string[]) =>
      output(go, ["build", "-trimpath", `-ldflags=${ldflags}`, ...tags, "-o", to, ...packages], { cwd, env });
    const programs = Object.entries(set.programs);
    if (programs.length > 1 && programs.every(([program, source]) => basename(source) === program)) {
      // All at once: a program is linked on one core while the others are compiled.
      await build(`${partial}/`, Object.values(set.programs));
    } else {
      for (const [program, source] of programs) {
        await build(join(partial, program), [source]);
      }
    }
    await copyFiles(set, partial, sources, go);
  });
}

/** Installs what was found of a set's release. Needs no Go, but uses its cache if it is there. */
export async function installGoSet(
  set: GoSet,
  parts: readonly Part[],
  folder: string,
  { sources, downloads, go }: { readonly sources: string; readonly downloads: string; readonly go: string | undefined },
): Promise<void> {
  await makeFolder(folder, async (partial) => {
    await installParts(parts, partial, downloads);
    await copyFiles(set, partial, sources, go);
  });
}

async function copyFiles(set: GoSet, folder: string, sources: string, go: string | undefined): Promise<void> {
  const scratch = join(folder, ".modules");
  const modules = new Map<string, string>();
  for (const [name, { module, path }] of Object.entries(set.files ?? {})) {
    const from = modules.get(module) ?? (await moduleFolder(module, goModFolder(set, sources), go, scratch));
    modules.set(module, from);
    cpSync(join(from, path), join(folder, name), {
      recursive: true,
      // A folder is applied as a whole, and its kustomization.yaml is not an object.
      filter: (source) => basename(source) !== "kustomization.yaml",
    });
    await output("chmod", ["-R", "u+w", join(folder, name)]);
  }
  rmSync(scratch, { recursive: true, force: true });
}
