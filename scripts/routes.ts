import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadStackFile } from "../config/load/stackFile";
import { command } from "../cli/command";
import { routeMap } from "../emit/routeMap";

/** `npm run docs:routes -- --stack STACK`: prints a stack's routes as Markdown. */
void command(() => {
  const { stack } = parseArgs({ options: { stack: { type: "string" } } }).values;
  if (stack === undefined) {
    throw new Error("--stack is missing: npm run docs:routes -- --stack dev");
  }
  const file = join(__dirname, "..", `Pulumi.${stack}.yaml`);
  if (!existsSync(file)) {
    throw new Error(`there is no stack ${stack}: Pulumi.${stack}.yaml is missing`);
  }
  console.log(routeMap(stack, loadStackFile(file)));
});
