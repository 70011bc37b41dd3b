import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { loadStackFile } from "../config/stackFile";
import { outputOf } from "./cluster/kubectl";
import { summary, table, type Row } from "./row";
import type { StackOutputs, Target } from "./target";
import { verify } from "./verify";

const USAGE = `usage: npm run verify -- --stack STACK [OPTIONS]
  --stack STACK      whose gateway to look at: Pulumi.STACK.yaml
  --config-file FILE the stack's file, where it is not Pulumi.STACK.yaml
  --address ADDRESS  where to find the gateway; default: the stack's outputs, gateway.address, DNS
  --from ADDRESS     local address to look from
  --ca FILE          certificates to trust, in PEM; default: the stack's outputs, the system's
  --no-cluster       traffic only: ask neither kubectl nor istioctl
  --json             rows as JSON`;

const ROOT = join(__dirname, "..");

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      stack: { type: "string" },
      "config-file": { type: "string" },
      address: { type: "string" },
      from: { type: "string" },
      ca: { type: "string" },
      cluster: { type: "boolean", default: true },
      json: { type: "boolean", default: false },
    },
    allowNegative: true,
  });
  const { stack } = values;
  if (stack === undefined) {
    throw new Error(`--stack is missing\n${USAGE}`);
  }
  const file = values["config-file"] ?? join(ROOT, `Pulumi.${stack}.yaml`);
  if (!existsSync(file)) {
    throw new Error(`there is no stack ${stack}: ${basename(file)} is missing`);
  }
  const outputs = await readOutputs(stack);
  const target: Target = {
    stack,
    config: loadStackFile(file),
    outputs,
    trust: values.ca === undefined ? outputs?.certificate.trustAnchorPem : readFileSync(values.ca, "utf8"),
    route: { address: values.address, from: values.from },
  };
  const rows = await verify(target, values.cluster);
  print(rows, values.json);
  return rows.some(({ state }) => state === "failed") ? 1 : 0;
}

/** What the stack says of itself, where pulumi and its state are at hand. */
async function readOutputs(stack: string): Promise<StackOutputs | undefined> {
  const text = await outputOf("pulumi", ["stack", "output", "--json", "--stack", stack, "--non-interactive"]).catch(
    () => undefined,
  );
  return text === undefined ? undefined : (JSON.parse(text) as StackOutputs);
}

function print(rows: readonly Row[], json: boolean): void {
  const passed = rows.every(({ state }) => state !== "failed");
  console.log(
    json ? JSON.stringify({ passed, rows }, null, 2) : `\n${table(rows, process.stdout.isTTY)}\n\n${summary(rows)}\n`,
  );
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  },
);
