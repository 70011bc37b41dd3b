import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { output } from "../processes";
import type { GoSet } from "./catalogue";

/** Written last: a folder without it is an interrupted build, and is rebuilt. */
const COMPLETE = ".complete";

function goModFolder({ name, goMod = name }: GoSet, sources: string): string {
  return join(sources, goMod);
}

/** Folder of a set's programs; its name depends on every input of the build. */
export function goSetFolder(set: GoSet, tools: string, sources: string): string {
  const hash = createHash("sha256").update(JSON.stringify(set)).update(process.arch);
  for (const file of ["go.mod", "go.sum"]) {
    hash.update(readFileSync(join(goModFolder(set, sources), file)));
  }
  return join(tools, `${set.name}-${hash.digest("hex").slice(0, 12)}`);
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
  await make(partial);
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
    for (const [program, source] of Object.entries(set.programs)) {
      const flags = ["-trimpath", `-ldflags=${ldflags}`, ...tags];
      await output(go, ["build", ...flags, "-o", join(partial, program), source], { cwd, env });
    }
    for (const [name, { module, path }] of Object.entries(set.files ?? {})) {
      const { Dir } = JSON.parse(await output(go, ["mod", "download", "-json", module], { cwd, env })) as {
        Dir: string;
      };
      cpSync(join(Dir, path), join(partial, name), {
        recursive: true,
        // A folder is applied as a whole, and its kustomization.yaml is not an object.
        filter: (source) => basename(source) !== "kustomization.yaml",
      });
      await output("chmod", ["-R", "u+w", join(partial, name)]);
    }
  });
}
