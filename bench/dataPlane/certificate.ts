import { mkdirSync, writeFileSync } from "node:fs";
import type { Lab } from "../../lab/lab";
import { labPath } from "../../lab/state";
import type { Manifest } from "../stacks";

/** Name and namespace of a Secret. */
export type Named = Pick<Manifest["metadata"], "name"> & { readonly namespace: string };

interface Secret extends Manifest {
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

async function read(lab: Lab, { name, namespace }: Named): Promise<Secret> {
  return JSON.parse(await lab.kubectl(["get", "secret", name, "-n", namespace, "-o", "json"])) as Secret;
}

/** A copy of a gateway's certificate for another one: signing is part of what a client waits for. */
export async function copyOfCertificate(lab: Lab, secret: Named, copy: Named): Promise<Manifest> {
  const { apiVersion, kind, type, data } = await read(lab, secret);
  return { apiVersion, kind, type, data, metadata: copy } as Manifest;
}

/** The same certificate as files. */
export async function certificateFiles(
  lab: Lab,
  secret: Named,
): Promise<{ readonly certificateFile: string; readonly keyFile: string }> {
  const { data } = await read(lab, secret);
  const write = (key: string) => {
    const path = labPath("bench-certificate", `${secret.name}.${key}`);
    writeFileSync(path, Buffer.from(data[key] ?? "", "base64"), { mode: 0o600 });
    return path;
  };
  mkdirSync(labPath("bench-certificate"), { recursive: true, mode: 0o700 });
  return { certificateFile: write("tls.crt"), keyFile: write("tls.key") };
}
