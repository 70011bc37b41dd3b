import { join } from "node:path";
import type * as Program from "../components/unifiedGateway";
import type * as StackFile from "../config/stackFile";
import { emittedResources } from "../scripts/emittedResources";
import { withoutSecrets } from "./objects";

/**
 * `emit.ts FOLDER STACK`: what the program in a folder, which may be of another revision, makes of its own stack file, as
 * JSON. A process of its own: two programs in one would share Pulumi's state.
 */
async function main([folder = "", stack = ""]: readonly string[]): Promise<void> {
  const { loadStackFile } = (await import(join(folder, "config", "stackFile"))) as typeof StackFile;
  const { UnifiedGateway } = (await import(join(folder, "components", "unifiedGateway"))) as typeof Program;
  const config = loadStackFile(join(folder, `Pulumi.${stack}.yaml`));
  const resources = await emittedResources(UnifiedGateway, config, stack);
  process.stdout.write(JSON.stringify(resources.filter(({ type }) => !type.startsWith(COMPONENT)).map(withoutSecrets)));
}

/** Components make nothing by themselves. */
const COMPONENT = "istio-gateway:";

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
