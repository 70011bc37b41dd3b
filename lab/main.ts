import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadStackFile } from "../config/load/stackFile";
import { nodeAddress } from "./addresses";
import { Lab } from "./lab";
import { checkMachine } from "./machine";
import { isAlive } from "./namespaces";
import { REPOSITORY } from "./paths";
import { main, UserError } from "./processes";
import { serveProxy } from "./relay";
import { providersInUse, stackFile } from "./stacks";
import { locked, readState } from "./state";
import { ensureTools, toolsAreCached, type Tools } from "./tools";
import { ISTIO_VERSIONS, KUBERNETES, type IstioVersion } from "./tools/catalogue";
import { istioVersion } from "./tools/istioVersion";
import { moduleVersion } from "./tools/module";

const USAGE = `usage: npm run lab -- COMMAND
  up [--crds standard|experimental] [--istio 1.30|1.31]
                                      start the control plane
  deploy --stack STACK                create what the stack refers to, and run pulumi up
  exec -- COMMAND…                    run a command inside: kubectl, istioctl, pulumi, curl …
  proxy [--stack dev] [--port 8443]   reach a stack's gateway from outside, until Ctrl-C
  status                              show what is running
  reset                               end the lab and start a new one
  down                                end the lab`;

main(async () => {
  const [command, ...rest] = process.argv.slice(2);
  switch (command) {
    case "up": {
      const { crds, istio } = options(rest, { crds: { type: "string" }, istio: { type: "string" } });
      return up(crds, istio);
    }
    case "down":
      return down();
    case "reset":
      await down();
      return up();
    case "status":
      return Promise.resolve(status());
    case "deploy": {
      const { stack } = options(rest, { stack: { type: "string" } });
      if (stack === undefined) {
        throw new UserError("deploy needs --stack STACK");
      }
      const file = stackFile(stack);
      const tools = await getTools();
      return locked(async () => {
        const lab = await Lab.up(tools);
        await lab.prepare(stack, file);
        return lab.deploy(stack);
      });
    }
    case "exec": {
      const words = rest[0] === "--" ? rest.slice(1) : rest;
      if (words.length === 0) {
        throw new UserError("exec needs a command: npm run lab -- exec -- kubectl get gateways -A");
      }
      return Lab.running(await ensureTools()).exec(words);
    }
    case "proxy": {
      const { stack = "dev", port = "8443" } = options(rest, { stack: { type: "string" }, port: { type: "string" } });
      const config = loadStackFile(stackFile(stack));
      return serveProxy(Lab.running(await ensureTools()), stack, config, Number(port));
    }
    default:
      console.error(command === undefined ? USAGE : `unknown command ${command}\n${USAGE}`);
      return 2;
  }
});

function options<T extends Record<string, { type: "string" }>>(args: string[], spec: T): { [K in keyof T]?: string } {
  try {
    return parseArgs({ args, options: spec, strict: true }).values;
  } catch (error) {
    throw new UserError(error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  }
}

async function getTools(istio?: IstioVersion): Promise<Tools> {
  await checkMachine(toolsAreCached(istio));
  return ensureTools(istio);
}

async function up(channel?: string, istio?: string): Promise<number> {
  if (channel !== undefined && channel !== "standard" && channel !== "experimental") {
    throw new UserError(`--crds is ${channel}, expected standard or experimental`);
  }
  const tools = await getTools(istio === undefined ? undefined : istioVersion(istio, "--istio"));
  return locked(async () => {
    await Lab.up(tools, { channel });
    console.log("the lab is up");
    return 0;
  });
}

function down(): Promise<number> {
  return locked(() => {
    console.log(Lab.down() ? "the lab has ended" : "no lab is running");
    return Promise.resolve(0);
  });
}

/** Versions of what runs in the lab. */
function versions(istio: IstioVersion): string[] {
  const { set, envoy } = ISTIO_VERSIONS[istio];
  const of = (module: string, folder: string) => moduleVersion(module, join(REPOSITORY, "lab", "tools", folder));
  // Istio's own build has another patch version.
  const [envoyVersion = ""] = /\d+\.\d+/.exec(envoy) ?? [];
  return [
    `Kubernetes  ${of("k8s.io/kubernetes", KUBERNETES.name)}`,
    `Gateway API ${of("sigs.k8s.io/gateway-api", set.name)}`,
    `Istio       ${istio}`,
    `Envoy       v${envoyVersion}`,
  ];
}

function status(): number {
  const state = readState();
  if (state === undefined) {
    console.log("no lab is running");
    return 1;
  }
  for (const [name, id] of [["namespaces", state.holder] as const, ...Object.entries(state.daemons)]) {
    console.log(`${isAlive(id) ? "runs " : "ENDED"}  pid ${String(id.pid).padEnd(8)} ${name}`);
  }
  for (const line of versions(state.istio)) {
    console.log(line);
  }
  for (const name of Object.keys(state.daemons)) {
    const [, number] = /^node-(\d+)$/.exec(name) ?? [];
    if (number !== undefined) {
      console.log(`node ${name} at ${nodeAddress(Number(number))}`);
    }
  }
  for (const line of providersInUse()) {
    console.log(line);
  }
  for (const { namespace, service, address, ports } of state.backends) {
    console.log(`backend ${namespace}/${service} on ${address}:${ports.join(",")}`);
  }
  return 0;
}
