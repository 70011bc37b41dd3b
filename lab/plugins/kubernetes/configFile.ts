import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { Construct, Properties } from "../server";

/** Resource type of a YAML file whose objects are resources. */
export const CONFIG_FILE = "kubernetes:yaml/v2:ConfigFile";

/** Registers the objects of a YAML file on this machine as the component's children. */
export async function constructConfigFile({ type, name, inputs, register }: Construct): Promise<string> {
  if (type !== CONFIG_FILE || typeof inputs.file !== "string" || inputs.file.includes("://")) {
    throw new Error(`the lab's stand-in for kubernetes constructs no ${type} of ${String(inputs.file)}, only files`);
  }
  const component = await register({ type, name, isCustom: false, inputs: {} });
  const objects = parseAllDocuments(readFileSync(inputs.file, "utf8")).map((document) => document.toJS() as unknown);
  await Promise.all(
    objects
      .filter((object) => object !== null)
      .map((object) => {
        const { apiVersion, kind, metadata } = object as { apiVersion: string; kind: string; metadata: Properties };
        return register({
          type: `kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${kind}`,
          name: `${name}:${[metadata.namespace, metadata.name].filter(Boolean).join("/")}`,
          isCustom: true,
          inputs: object as Properties,
          parent: component,
        });
      }),
  );
  return component;
}
