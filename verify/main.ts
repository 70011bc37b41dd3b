import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createSecureContext } from "node:tls";
import { parseArgs } from "node:util";
import { loadStackFile } from "../config/load/stackFile";
import type { Identity } from "./client";
import { outputOf } from "./cluster/kubectl";
import { summary, table, type Row } from "./row";
import { type StackOutputs, type Target, trustAnchors } from "./target";
import { verify } from "./verify";

const USAGE = `usage: npm run verify -- --stack STACK [OPTIONS]
  --stack STACK      the stack whose gateway to check: Pulumi.STACK.yaml
  --config-file FILE the stack file, if it is not Pulumi.STACK.yaml
  --address ADDRESS  the gateway's address; default: the stack's outputs, gateway.address, DNS
  --from ADDRESS     local address to connect from
  --ca FILE          certificates to trust, in PEM; default: the stack's outputs, the system's
  --client-cert FILE client certificate, in PEM, if the gateway requires one; with --client-key FILE
  --limits           use up rate limits to check them: see docs/verify.md
  --no-cluster       traffic only, without kubectl and istioctl
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
      "client-cert": { type: "string" },
      "client-key": { type: "string" },
      limits: { type: "boolean", default: false },
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
  const config = loadStackFile(file);
  const identity = readIdentity(values["client-cert"], values["client-key"]);
  const outputs = await readOutputs(stack);
  const target: Target = {
    stack,
    config,
    outputs,
    trust: values.ca === undefined ? outputs && trustAnchors(outputs) : readFileSync(values.ca, "utf8"),
    route: { address: values.address, from: values.from, identity },
  };
  const rows = await verify(target, { cluster: values.cluster, limits: values.limits });
  print(rows, values.json);
  return rows.some(({ state }) => state === "failed") ? 1 : 0;
}

/** A client's certificate and key. @throws Error if one is missing, or they are not a pair. */
function readIdentity(certFile: string | undefined, keyFile: string | undefined): Identity | undefined {
  if (certFile === undefined && keyFile === undefined) {
    return undefined;
  }
  if (certFile === undefined || keyFile === undefined) {
    throw new Error("--client-cert and --client-key go together");
  }
  const identity = { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
  try {
    createSecureContext(identity);
  } catch (error) {
    throw new Error("--client-cert and --client-key are not a certificate and its key in PEM", { cause: error });
  }
  return identity;
}

/** The stack's outputs, if pulumi and its state are available. */
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
