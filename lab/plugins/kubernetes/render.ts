import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { KubernetesObject } from "./client";

/** The official provider's layout: CRDs are applied before everything else. */
export function renderedFile({ apiVersion, kind, metadata }: KubernetesObject, folder: string): string {
  const group = kind === "CustomResourceDefinition" ? "0-crd" : "1-manifest";
  const parts = [apiVersion.replaceAll("/", "_"), kind.toLowerCase(), metadata.namespace ?? "default", metadata.name];
  return join(folder, group, `${parts.join("-")}.yaml`);
}

/** Writes an object as YAML instead of applying it. */
export function render(object: KubernetesObject, folder: string): void {
  for (const group of ["0-crd", "1-manifest"]) {
    mkdirSync(join(folder, group), { recursive: true, mode: 0o700 });
  }
  writeFileSync(renderedFile(object, folder), stringify(object, { sortMapEntries: true }), { mode: 0o600 });
}

export function removeRendered(object: KubernetesObject, folder: string): void {
  rmSync(renderedFile(object, folder), { force: true });
}
