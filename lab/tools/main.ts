import { checkMachine } from "../machine";
import { main } from "../processes";
import { ensureTools, toolsAreCached } from ".";

/** `npm run tools`: gets the lab's tools, and says where they lie. */
main(async () => {
  await checkMachine(toolsAreCached());
  const tools = await ensureTools();
  for (const [name, path] of Object.entries(tools.programs)) {
    console.log(`${name.padEnd(24)}${path}`);
  }
  return 0;
});
