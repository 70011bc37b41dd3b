import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { logOf } from "../../lab/controlPlane";
import type { Lab } from "../../lab/lab";
import { service } from "../../lab/manifests";
import { outputInside, pidInside, pidOutside, startDaemon, type ProcessId } from "../../lab/namespaces";
import { startNetworkHolder } from "../../lab/network";
import { eventually } from "../../lab/processes";
import { labPath } from "../../lab/state";
import { list, type Manifest } from "../stacks";
import type { Named } from "./certificate";
import { PORT } from "./policies";
import { backendBootstrap } from "./staticEnvoy";
import { envoyOf } from "./processes";

/** The backend of every contender. Nothing else uses its address. */
export const BACKEND = { address: "10.229.0.1", port: PORT } as const;

/** The two ends of the static Envoy's link to the lab. */
const LINK = { lab: "10.2.200.1", proxy: "10.2.200.2" } as const;

/** As many worker threads as the lab gives pilot-agent's Envoy. */
const CONCURRENCY = 2;

/** Starts an Envoy with its own configuration, in its own network like those of the gateways. Returns its pid. */
export async function startStatic(lab: Lab, name: string, address: string, config: object): Promise<number> {
  const cwd = labPath(name);
  mkdirSync(cwd, { recursive: true });
  const network = await startNetwork(lab.snapshot.holder.pid, name, address);
  const { pid } = await startEnvoy(lab, name, network.pid, CONCURRENCY, config);
  return pid;
}

/** Creates a network namespace with a link to the lab's, and an address that the lab reaches. */
async function startNetwork(pid: number, name: string, address: string): Promise<ProcessId> {
  const network = await startNetworkHolder(pid, name);
  const lab = [
    // Disconnects a proxy of the same name from an earlier run.
    `ip link delete ${name} 2>/dev/null || true`,
    `ip link add ${name} type veth peer name uplink netns ${pidInside(network.pid)}`,
    `ip address add ${LINK.lab}/30 dev ${name}`,
    `ip link set ${name} up`,
  ];
  await outputInside(pid, ["sh", "-ec", lab.join("\n")]);
  const proxy = [
    "ip link set lo up",
    `ip address add ${LINK.proxy}/30 dev uplink`,
    "ip link set uplink up",
    `ip address add ${address}/32 dev lo`,
    `ip route add default via ${LINK.lab}`,
  ];
  await outputInside(network.pid, ["sh", "-ec", proxy.join("\n")]);
  await outputInside(pid, ["ip", "route", "replace", `${address}/32`, "via", LINK.proxy]);
  return network;
}

/** Starts the backend of all contenders, unless it is running. */
export async function startBackend(lab: Lab): Promise<void> {
  const { pid } = lab.snapshot.holder;
  const request = ["curl", "-sf", `http://${BACKEND.address}:${BACKEND.port}/`];
  if ((await lab.run(request)).code === 0) {
    return;
  }
  await lab.output(["ip", "address", "replace", `${BACKEND.address}/32`, "dev", "lo"]);
  await startEnvoy(lab, "bench-backend", pid, 1, backendBootstrap(BACKEND));
  await eventually("the backend", 20_000, () => lab.output(request));
}

/** Points the endpoints of a prepared stack's Services to the backend instead of the echo server. */
export async function useBackend(lab: Lab, services: readonly Named[]): Promise<void> {
  for (const { name, namespace } of services) {
    const endpoints = [{ addresses: [BACKEND.address], conditions: { ready: true } }];
    const patch = ["--type=merge", "-p", JSON.stringify({ endpoints })];
    await lab.kubectl(["patch", "endpointslice", `${name}-lab`, "-n", namespace, ...patch]);
  }
}

/** Services with the backend as their endpoint. */
export function backendServices(names: readonly string[], namespace: string): object[] {
  const ports = [{ name: `http-${BACKEND.port}`, port: BACKEND.port }];
  return names.flatMap((name) => service(name, namespace, [BACKEND.address], ports));
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
