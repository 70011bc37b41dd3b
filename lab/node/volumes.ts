import {
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { downward } from "./environment";
import type { Item, Pod, Source, Volume } from "./objects";
import type { Reader } from "./reader";

type Files = Record<string, Buffer | string>;

/** The files of a volume that has sources; undefined for an `emptyDir`. @throws Error for kinds that the nodes do not support. */
export async function filesOf(pod: Pod, volume: Volume, read: Reader): Promise<Files | undefined> {
  if (volume.emptyDir !== undefined) {
    return undefined;
  }
  const files: Files = {};
  for (const source of volume.projected?.sources ?? [volume]) {
    Object.assign(files, await sourceFiles(pod, source, read));
  }
  return files;
}

async function sourceFiles(pod: Pod, source: Source, read: Reader): Promise<Files> {
  const { namespace } = pod.metadata;
  if (source.configMap !== undefined) {
    const { name = "", items, optional } = source.configMap;
    return chosen(await read.data("configmaps", namespace, name), items, optional, `ConfigMap ${namespace}/${name}`);
  }
  if (source.secret !== undefined) {
    const { secretName, name = secretName ?? "", items, optional } = source.secret;
    return chosen(await read.data("secrets", namespace, name), items, optional, `Secret ${namespace}/${name}`);
  }
  if (source.downwardAPI !== undefined) {
    return Object.fromEntries((source.downwardAPI.items ?? []).map((item) => [item.path, downward(pod, item)]));
  }
  if (source.serviceAccountToken !== undefined) {
    return { [source.serviceAccountToken.path]: await read.token(pod, source.serviceAccountToken) };
  }
  throw new Error(`the lab's nodes do not support the volume ${JSON.stringify(source)}`);
}

/** The keys that a volume selects, by file name; all of them if it selects none. */
function chosen(data: Files | undefined, items: Item[] | undefined, optional = false, what = ""): Files {
  if (data === undefined) {
    if (optional) {
      return {};
    }
    throw new Error(`${what} does not exist`);
  }
  return items === undefined ? data : Object.fromEntries(items.map(({ key, path }) => [path, data[key] ?? ""]));
}

/** Writes a volume as a kubelet does: files are links through `..data`, which changes for all of them at once. */
export function writeVolume(folder: string, files: Files): string {
  const data = join(folder, "..data");
  const before = existsSync(data) ? readlinkSync(data) : undefined;
  const current = before === "..1" ? "..2" : "..1";
  rmSync(join(folder, current), { recursive: true, force: true });
  mkdirSync(join(folder, current), { recursive: true, mode: 0o755 });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, current, name)), { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, current, name), content, { mode: 0o600 });
  }
  symlinkSync(current, `${data}-new`);
  renameSync(`${data}-new`, data);
  for (const name of new Set(Object.keys(files).map((path) => path.split("/")[0] ?? path))) {
    if (lstatSync(join(folder, name), { throwIfNoEntry: false }) === undefined) {
      symlinkSync(join("..data", name), join(folder, name));
    }
  }
  return folder;
}
