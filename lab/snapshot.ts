import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { whileStopped, type ProcessId } from "./namespaces";
import { REPOSITORY, toolsFolder } from "./paths";
import { output } from "./processes";
import { labPath } from "./state";
import type { Channel, Tools } from "./tools";

/** The cluster's store, its keys, and Pulumi's state of istio/: all that a start makes and a later one can take over. */
const CONTENTS = ["etcd", "kube-apiserver", "service-account.key", "tokens.csv", "passphrase", "pulumi", "istio"];

/** The certificate of the API server is valid for a year. Unit: milliseconds. */
const MAX_AGE_MS = 30 * 24 * 3_600_000;

/** Each is some 20 MB, and every change of lab/ or istio/ makes another. */
const MAX_SNAPSHOTS = 4;

const SNAPSHOTS = () => join(toolsFolder(), "snapshots");

/** Name of the snapshot of a new lab: it depends on all that makes one. */
function snapshotFolder(tools: Tools, channel: Channel): string {
  const hash = createHash("sha256").update(JSON.stringify([channel, tools.istio, tools.standIns]));
  for (const program of Object.values(tools.programs)) {
    hash.update(basename(dirname(program)));
  }
  for (const folder of ["lab", "istio"].map((name) => join(REPOSITORY, name))) {
    for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
      if (/\.(ts|yaml)$/.test(file)) {
        hash.update(readFileSync(join(folder, file)));
      }
    }
  }
  hash.update(readFileSync(join(REPOSITORY, "docs", "mesh-config.yaml")));
  return join(SNAPSHOTS(), hash.digest("hex").slice(0, 12));
}

/** Copies the snapshot into the lab's folder. Returns whether there is one. */
export async function restoreSnapshot(tools: Tools, channel: Channel): Promise<boolean> {
  const folder = snapshotFolder(tools, channel);
  if (!existsSync(folder) || Date.now() - statSync(folder).mtimeMs > MAX_AGE_MS) {
    return false;
  }
  await copy(folder, labPath());
  return true;
}

/** Keeps the state of a new lab. The oldest others go. */
export async function saveSnapshot(
  tools: Tools,
  channel: Channel,
  { etcd }: Readonly<Record<string, ProcessId>>,
): Promise<void> {
  if (etcd === undefined) {
    return;
  }
  mkdirSync(SNAPSHOTS(), { recursive: true, mode: 0o700 });
  const others = readdirSync(SNAPSHOTS()).map((name) => join(SNAPSHOTS(), name));
  const age = (folder: string) => Date.now() - statSync(folder).mtimeMs;
  for (const folder of others.sort((a, b) => age(a) - age(b)).slice(MAX_SNAPSHOTS - 1)) {
    rmSync(folder, { recursive: true });
  }
  const folder = snapshotFolder(tools, channel);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { mode: 0o700 });
  // What etcd has written so far is as after a crash, from which it recovers.
  await whileStopped(etcd, () => copy(labPath(), partial));
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
}

/** etcd's log is mostly empty. */
async function copy(from: string, to: string): Promise<void> {
  await output("cp", ["-a", "--sparse=always", ...CONTENTS.map((name) => join(from, name)), to]);
}
