import { checkMachine } from "../machine";
import { main } from "../processes";
import { ensureTools, toolsAreCached } from ".";

/** `npm run tools`: downloads or builds the lab's tools, and prints where they are. */
main(async () => {
  await checkMachine(toolsAreCached());
  const tools = await ensureTools();
  for (const [name, path] of Object.entries(tools.programs)) {
    console.log(`${name.padEnd(24)}${path}`);
  }
  return 0;
});
