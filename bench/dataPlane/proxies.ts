import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { linkAddresses } from "../../lab/addresses";
import { logOf } from "../../lab/controlPlane";
import type { Lab } from "../../lab/lab";
import { pidOutside, startDaemon, type ProcessId } from "../../lab/namespaces";
import { eventually } from "../../lab/processes";
import { startNetwork } from "../../lab/proxy";
import { labPath } from "../../lab/state";
import { list, type Manifest } from "../stacks";
import type { Named } from "./certificate";
import { CANARY, NAMESPACE, PORT, SERVICE } from "./policies";
import { backendBootstrap } from "./staticEnvoy";
import { envoyOf } from "./processes";

/** The backend of every contender. Nothing else uses its address. */
export const BACKEND = { address: "10.229.0.1", port: PORT } as const;

/** Number of the first link: far above those of the lab's gateways. */
const FIRST_LINK = 200;

/** As many worker threads as the lab gives pilot-agent's Envoy. */
const CONCURRENCY = 2;

/** Starts an Envoy with its own configuration, in its own network like those of the gateways. Returns its pid. */
export async function startStatic(lab: Lab, name: string, address: string, config: object): Promise<number> {
  const cwd = labPath(name);
  mkdirSync(cwd, { recursive: true });
  const link = linkAddresses(FIRST_LINK);
  const network = await startNetwork(lab.snapshot.holder.pid, { name, address, link });
  const { pid } = await startEnvoy(lab, name, network.pid, CONCURRENCY, config);
  return pid;
}

/** Starts the backend of all contenders, and points the Services' endpoints to it instead of the echo server. */
export async function startBackend(lab: Lab): Promise<void> {
  const { pid } = lab.snapshot.holder;
  const url = `http://${BACKEND.address}:${BACKEND.port}/`;
  await lab.output(["ip", "address", "replace", `${BACKEND.address}/32`, "dev", "lo"]);
  await startEnvoy(lab, "bench-backend", pid, 1, backendBootstrap(BACKEND));
  await eventually("the backend", 20_000, () => lab.output(["curl", "-sf", url]));
  for (const service of [SERVICE, CANARY]) {
    const endpoints = [{ addresses: [BACKEND.address], conditions: { ready: true } }];
    const patch = ["--type=merge", "-p", JSON.stringify({ endpoints })];
    await lab.kubectl(["patch", "endpointslice", `${service}-lab`, "-n", NAMESPACE, ...patch]);
  }
}

function startEnvoy(lab: Lab, name: string, inside: number, threads: number, config: object): Promise<ProcessId> {
  const cwd = labPath(name);
  mkdirSync(cwd, { recursive: true });
  const file = labPath(name, "envoy.json");
  writeFileSync(file, JSON.stringify(config));
  const flags = ["--concurrency", String(threads), "--disable-hot-restart", "--log-level", "warning"];
  const command = [lab.tools.programs.envoy, "-c", file, ...flags];
  return startDaemon(inside, { name, command, cwd, logFile: logOf(name) });
}

/** The pid of the Envoy of one of the lab's gateways. */
export async function gatewayEnvoy(lab: Lab, gateway: string): Promise<number> {
  return eventually(`Envoy of ${gateway}`, 60_000, async () => {
    const [pod] = await lab.gatewayPods(gateway);
    if (pod === undefined) {
      throw new Error(`${gateway} has no Pod`);
    }
    return envoyOf(pidOutside(lab.snapshot.holder.pid, pod.pid));
  });
}

/** Resolves a host name to an address, until the lab next writes its hosts file. */
export function addHost(host: string, address: string): void {
  appendFileSync(labPath("hosts"), `${address} ${host}\n`);
}

/** A Gateway and routes to Services, as one would write them without any policy. */
export function bareGateway(name: string, address: string, secretName: string): Manifest {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name, namespace: `${name}-system` },
    spec: {
      gatewayClassName: "istio",
      addresses: [{ type: "IPAddress", value: address }],
      listeners: [
        {
          name: "https",
          port: 443,
          protocol: "HTTPS",
          hostname: `*.${name}.test`,
          tls: { mode: "Terminate", certificateRefs: [{ name: secretName }] },
          allowedRoutes: { namespaces: { from: "All" } },
        },
      ],
    },
  };
}

export function bareRoute(gateway: string, { name, namespace }: Named): Manifest {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: `${gateway}-${name}`, namespace },
    spec: {
      parentRefs: [{ name: gateway, namespace: `${gateway}-system` }],
      hostnames: [`${name}.${gateway}.test`],
      rules: [{ backendRefs: [{ name, port: PORT }] }],
    },
  };
}

export async function apply(lab: Lab, objects: readonly object[]): Promise<void> {
  await lab.kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], list(objects));
}
