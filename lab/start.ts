import { someHost } from "../verify/hosts";
import { summary, table } from "../verify/row";
import { httpsUrl } from "../config/resolve/protocols";
import { loadStackFile } from "../config/load/stackFile";
import { checkStack } from "./checks";
import { clientsOf } from "./expectations";
import { Lab } from "./lab";
import { checkMachine } from "./machine";
import { main, UserError } from "./processes";
import { stackFile } from "./stacks";
import { labPath, locked } from "./state";
import { ensureTools, toolsAreCached } from "./tools";
import { describeProviders } from "./tools/providers";

const STACK = "dev";

/** `npm start`: everything on this machine, from the tools to real HTTPS. */
main(async () => {
  const start = Date.now();
  await checkMachine(toolsAreCached());
  const tools = await ensureTools();
  console.error(describeProviders(tools.providers).join("\n"));
  return locked(async () => {
    const lab = await Lab.up(tools, { stack: STACK });
    const config = loadStackFile(stackFile(STACK));
    const code = await lab.deploy(STACK);
    if (code !== 0) {
      throw new UserError(`pulumi up of ${STACK} failed, see above`);
    }
    const rows = await checkStack(lab, STACK, config);
    const { host, port } = someHost(config);
    console.log(`\n${table(rows, process.stdout.isTTY)}\n`);
    console.log(`${summary(rows)}, ${((Date.now() - start) / 1000).toFixed(0)} s\n`);
    console.log("Try it:");
    const [client] = config.services[0] === undefined ? [] : clientsOf(config.services[0]).admitted;
    const from = client === undefined ? "" : ` --interface ${client}`;
    console.log(
      `  npm run lab -- exec -- curl -si${from} --cacert ${labPath(`${STACK}-ca.pem`)} ${httpsUrl(host, port)}/`,
    );
    console.log("  npm run lab -- exec -- kubectl get gateways,httproutes -A");
    console.log("  npm run lab -- proxy --port 8443    # from outside the lab's network");
    console.log("  npm stop");
    return rows.some(({ state }) => state === "failed") ? 1 : 0;
  });
});
