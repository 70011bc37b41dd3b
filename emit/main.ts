import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadStackFile } from "../config/load/stackFile";
import { emittedResources } from "./resources";
import { withoutSecrets } from "./secrets";

/**
 * `emit/main.ts STACK`: prints what this revision's program creates from its own Pulumi.STACK.yaml, as a JSON list of resources
 * without secrets. If the file is missing, the list is empty.
 *
 * This is the interface between revisions: `npm run preview` runs this file in the work tree and in the base it compares with.
 * Keep its path, its argument and its output.
 */
async function main([stack = ""]: readonly string[]): Promise<void> {
  const file = join(__dirname, "..", `Pulumi.${stack}.yaml`);
  const resources = existsSync(file) ? await emittedResources(loadStackFile(file), stack) : [];
  process.stdout.write(JSON.stringify(resources.filter(({ type }) => !type.startsWith(COMPONENT)).map(withoutSecrets)));
}

/** Components create nothing themselves. */
const COMPONENT = "istio-gateway:";

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
