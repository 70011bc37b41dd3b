import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";
import { output, UserError } from "../processes";
import { PLUGINS, PULUMI_VERSION, type PluginName } from "./catalogue";
import { makeFolder } from "./goSet";

/** Where to download the official CLI; replaced in tests. */
export interface PulumiSource {
  readonly archive: string;
  readonly checksums: string;
}

const ARCHIVE = `pulumi-v${PULUMI_VERSION}-linux-${process.arch}.tar.gz`;

export const OFFICIAL: PulumiSource = {
  archive: `https://get.pulumi.com/releases/sdk/${ARCHIVE}`,
  checksums: `https://github.com/pulumi/pulumi/releases/download/v${PULUMI_VERSION}/pulumi-${PULUMI_VERSION}-checksums.txt`,
};

/** How long to wait for an answer before the internet counts as unreachable. Unit: milliseconds. */
const REACH_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 600_000;

/**
 * Downloads the official CLI. Returns false if it cannot be reached.
 * @throws UserError if the archive's checksum differs from the release's.
 */
export async function downloadPulumi(folder: string, source: PulumiSource = OFFICIAL): Promise<boolean> {
  const checksums = await fetch(source.checksums, { signal: AbortSignal.timeout(REACH_TIMEOUT_MS) }).catch(
    () => undefined,
  );
  if (checksums?.ok !== true) {
    return false;
  }
  const expected = (await checksums.text())
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([, name]) => name === ARCHIVE)?.[0];
  const response = await fetch(source.archive, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) }).catch(
    () => undefined,
  );
  if (response?.ok !== true) {
    return false;
  }
  const archive = Buffer.from(await response.arrayBuffer());
  const actual = createHash("sha256").update(archive).digest("hex");
  if (actual !== expected) {
    throw new UserError(`${ARCHIVE} has SHA-256 ${actual}, its release says ${expected ?? "nothing"}: try again later`);
  }
  await makeFolder(folder, async (partial) => {
    const file = join(partial, ARCHIVE);
    writeFileSync(file, archive);
    await output("tar", ["-xzf", file, "-C", partial, "--strip-components=1"]);
    rmSync(file);
  });
  return true;
}

/**
 * Official provider plugins: those on PATH, those of the user's Pulumi, or downloaded with the official CLI. Returns the
 * names of the plugins that are not available.
 */
export async function officialPlugins(pulumi: string, home: string, official: boolean): Promise<PluginName[]> {
  const missing: PluginName[] = [];
  for (const name of Object.keys(PLUGINS) as PluginName[]) {
    const version = PLUGINS[name];
    const plugin = `resource-${name}-v${version}`;
    const folder = join(home, "plugins", plugin);
    const users = join(homedir(), ".pulumi", "plugins", plugin);
    if (existsSync(folder) || (await onPath(`pulumi-resource-${name}`))) {
      continue;
    }
    if (existsSync(join(users, `pulumi-resource-${name}`))) {
      linkTo(users, folder);
    } else if (!official || !(await installed(pulumi, home, name, version))) {
      missing.push(name);
    }
  }
  return missing;
}

/**
 * Points `link` to `target`, whatever it pointed to before: the cache may have been moved, or an installation interrupted.
 * The link is relative, so that it stays valid if the whole cache is moved.
 */
export function linkTo(target: string, link: string): void {
  mkdirSync(dirname(link), { recursive: true });
  const path = relative(realpathSync(dirname(link)), realpathSync(target));
  const present = lstatSync(link, { throwIfNoEntry: false });
  if (present?.isSymbolicLink() === true && readlinkSync(link) === path) {
    return;
  }
  rmSync(link, { force: true });
  symlinkSync(path, link);
}

async function installed(pulumi: string, home: string, name: string, version: string): Promise<boolean> {
  const env = { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
  return output(pulumi, ["plugin", "install", "resource", name, version], { env }).then(
    () => true,
    () => false,
  );
}

async function onPath(program: string): Promise<boolean> {
  return output("sh", ["-c", 'command -v "$0"', program]).then(
    () => true,
    () => false,
  );
}
