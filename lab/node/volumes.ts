import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeVolume } from "./container";
import type { Container, Pod, Volume } from "./objects";

/** Reads a ConfigMap or a Secret. */
export type ReadObject = (
  kind: "configmaps" | "secrets",
  namespace: string,
  name: string,
) => Promise<Record<string, string>>;

/** The folder of a volume, filled anew. @throws Error for kinds that the lab's node does not know. */
export async function volumeFolder(
  folder: string,
  namespace: string,
  volume: Volume | undefined,
  read: ReadObject,
): Promise<string> {
  rmSync(folder, { recursive: true, force: true });
  if (volume?.configMap !== undefined) {
    return writeVolume(folder, await read("configmaps", namespace, volume.configMap.name));
  }
  if (volume?.secret !== undefined) {
    return writeVolume(folder, await read("secrets", namespace, volume.secret.secretName));
  }
  if (volume?.emptyDir === undefined) {
    throw new Error(`the lab's node knows no volume ${JSON.stringify(volume)}`);
  }
  mkdirSync(join(folder), { recursive: true });
  return folder;
}

/** A container's environment. @throws Error where it refers to what is not there. */
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
