import { join } from "node:path";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { loadStackFile } from "../config/load/stackFile";
import { command } from "../cli/command";
import { deployerRbac, destroyerRbac } from "./deployerRbac";
import { emittedObjects } from "../emit/objects";

/** A ServiceAccount with the minimal permissions to deploy a stack, as YAML. */
export async function stackRbac(file: string, destroy = false): Promise<string> {
  const config = loadStackFile(file);
  const identity = { name: `${config.gateway.name}-deployer`, namespace: config.gateway.namespace };
  const manifests = (destroy ? destroyerRbac : deployerRbac)(await emittedObjects(config), identity);
  // kubectl reads YAML 1.1, in which a namespace called no or on would be false or true.
  return manifests
    .map((manifest) => stringify(manifest, { aliasDuplicateObjects: false, compat: "yaml-1.1" }))
    .join("---\n");
}

/** `npm run rbac -- --stack STACK [--destroy]` */
if (require.main === module) {
  const { stack = "dev", destroy } = parseArgs({
    options: { stack: { type: "string" }, destroy: { type: "boolean" } },
  }).values;
  void command(async () => {
    process.stdout.write(await stackRbac(join(__dirname, "..", `Pulumi.${stack}.yaml`), destroy));
  });
}
