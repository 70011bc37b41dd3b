import { checkMachine } from "../machine";
import { main } from "../processes";
import { ensureOptional, ensureTools, optionalTool, toolsAreCached } from ".";
import { describeProviders } from "./providers";

/**
 * `npm run tools`: downloads or builds the lab's tools, and prints where they are. With names, those that are built only on
 * demand: `npm run tools -- kubernetes-provider`.
 */
main(async () => {
  const optional = process.argv.slice(2).map(optionalTool);
  await checkMachine(toolsAreCached());
  for (const name of optional) {
    console.log(`${name.padEnd(24)}${await ensureOptional(name)}`);
  }
  if (optional.length > 0) {
    return 0;
  }
  const tools = await ensureTools();
  for (const [name, path] of Object.entries(tools.programs)) {
    console.log(`${name.padEnd(24)}${path}`);
  }
  console.log(describeProviders(tools.providers).join("\n"));
  return 0;
});
