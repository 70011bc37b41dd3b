import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeVolume } from "./container";
import type { Container, Item, Pod, Volume } from "./objects";

/** Reads a ConfigMap or a Secret. */
export type ReadObject = (
  kind: "configmaps" | "secrets",
  namespace: string,
  name: string,
) => Promise<Record<string, string>>;

/** Writes a volume's folder and returns it. @throws Error for kinds that the lab's node does not support. */
export async function volumeFolder(
  folder: string,
  namespace: string,
  volume: Volume | undefined,
  read: ReadObject,
): Promise<string> {
  rmSync(folder, { recursive: true, force: true });
  if (volume?.configMap !== undefined) {
    const { name, items } = volume.configMap;
    return writeVolume(folder, chosen(await read("configmaps", namespace, name), items));
  }
  if (volume?.secret !== undefined) {
    const { secretName, items } = volume.secret;
    return writeVolume(folder, chosen(await read("secrets", namespace, secretName), items));
  }
  if (volume?.emptyDir === undefined) {
    throw new Error(`the lab's node does not support the volume ${JSON.stringify(volume)}`);
  }
  mkdirSync(join(folder), { recursive: true });
  return folder;
}

/** The keys that a volume selects, by file name; all of them if it selects none. */
function chosen(data: Record<string, string>, items: readonly Item[] | undefined): Record<string, string> {
  return items === undefined ? data : Object.fromEntries(items.map(({ key, path }) => [path, data[key] ?? ""]));
}

/** A container's environment. @throws Error if it refers to something that does not exist. */
export async function environment(
  { metadata }: Pod,
  container: Container,
  address: string,
  read: ReadObject,
): Promise<Record<string, string>> {
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": metadata.name,
    "metadata.namespace": metadata.namespace,
    "status.podIP": address,
  };
  const result: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env ?? []) {
    const { secretKeyRef, configMapKeyRef, fieldRef } = valueFrom ?? {};
    const reference = secretKeyRef ?? configMapKeyRef;
    const kind = secretKeyRef === undefined ? "configmaps" : "secrets";
    const found =
      reference === undefined
        ? (value ?? fields[fieldRef?.fieldPath ?? ""])
        : (await read(kind, metadata.namespace, reference.name))[reference.key];
    if (found === undefined && valueFrom !== undefined) {
      throw new Error(`${name} has no value: ${JSON.stringify(valueFrom)}`);
    }
    result[name] = found ?? "";
  }
  return result;
}
