import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { linkAddresses, sidecarAddress } from "./addresses";
import { logOf } from "./controlPlane";
import type { Lab } from "./lab";
import { outputInside, startDaemon } from "./namespaces";
import { REPOSITORY } from "./paths";
import { eventually } from "./processes";
import { startProxy, type Proxy } from "./proxy";
import { labPath } from "./state";

/** A pod with an echo server and a sidecar, and the Services in front of it. */
export interface SidecarArgs {
  readonly service: string;
  readonly namespace: string;
  /** Port of the Service and of the pod: the sidecar's, which forwards to the echo server. */
  readonly port: number;
  /** A second port of the pod, which bypasses the sidecar: the echo server itself. */
  readonly barePort: number;
  /** Services for the second port. */
  readonly bareServices: readonly string[];
  /** Number of the sidecar in the lab. */
  readonly number: number;
}

export interface Sidecar extends Proxy {
  readonly address: string;
}

/** Sidecar links are numbered above gateway links. */
const FIRST_LINK = 100;

/**
 * Starts a backend with a sidecar, in its pod's network namespace. No iptables rules redirect traffic to the sidecar:
 * its `Sidecar` object makes it listen on the pod's address.
 */
export async function startSidecar(lab: Lab, args: SidecarArgs): Promise<Sidecar> {
  const { service, namespace, number } = args;
  const address = sidecarAddress(number);
  const items = manifests(args, address);
  // If a prepared stack refers to these Services, they point to backends without a sidecar.
  const slices = [service, ...args.bareServices].map((name) => `${name}-lab`);
  await lab.kubectl(["delete", "endpointslices", "-n", namespace, "--ignore-not-found", ...slices]);
  await lab.kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  const status = JSON.stringify({ ...podMeta(args), status: podStatus(address) });
  await lab.kubectl(["apply", "--server-side", "--subresource=status", "-f", "-"], status);
  const proxy = await startProxy(lab.snapshot.holder.pid, lab.tools, {
    name: `sidecar-${number}`,
    namespace,
    pod: service,
    serviceAccount: service,
    address,
    link: linkAddresses(FIRST_LINK + number),
    labels: { app: service, "security.istio.io/tlsMode": "istio" },
    env: { ISTIO_META_INTERCEPTION_MODE: "NONE" },
  });
  await startEcho(proxy, args, address);
  await eventually(`the sidecar of ${service}`, 30_000, () =>
    outputInside(proxy.network.pid, ["curl", "-sf", `http://127.0.0.1:15021/healthz/ready`]),
  );
  return { ...proxy, address };
}

async function startEcho({ network }: Proxy, args: SidecarArgs, address: string): Promise<void> {
  const { service, namespace, number } = args;
  const backend = (ip: string, port: number) => ({ service, namespace, address: ip, ports: [port] });
  const file = labPath(`sidecar-${number}`, "backends.json");
  const ready = labPath(`sidecar-${number}`, "backends.ready");
  writeFileSync(file, JSON.stringify([backend("127.0.0.1", args.port), backend(address, args.barePort)]));
  const echo = join(REPOSITORY, "lab", "backends", "echo.ts");
  await startDaemon(network.pid, {
    name: "echo",
    command: [process.execPath, "-r", "ts-node/register/transpile-only", echo, file, ready],
    cwd: REPOSITORY,
    logFile: logOf(`sidecar-${number}`),
  });
  await eventually(`the echo server of ${service}`, 20_000, () =>
    outputInside(network.pid, ["curl", "-sf", `http://127.0.0.1:${args.port}/`]),
  );
}

function podMeta({ service, namespace }: SidecarArgs) {
  return { apiVersion: "v1", kind: "Pod", metadata: { name: service, namespace } };
}

function podStatus(address: string) {
  const conditions = ["Ready", "ContainersReady", "PodScheduled"].map((type) => ({ type, status: "True" }));
  return { phase: "Running", podIP: address, podIPs: [{ ip: address }], conditions };
}

function manifests(args: SidecarArgs, address: string): Record<string, unknown>[] {
  const { service, namespace, port, barePort } = args;
  const metadata = { name: service, namespace };
  const labels = { app: service };
  const containers = ["echo", "istio-proxy"].map((name) => ({ name, image: "lab" }));
  const serviceOf = (name: string, number: number) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { selector: labels, ports: [{ name: `http-${number}`, port: number, protocol: "TCP", targetPort: number }] },
  });
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    // The endpoint controller looks up the pod's node.
    { apiVersion: "v1", kind: "Node", metadata: { name: "lab" } },
    {
      ...podMeta(args),
      metadata: { ...metadata, labels: { ...labels, "security.istio.io/tlsMode": "istio" } },
      spec: { nodeName: "lab", serviceAccountName: service, automountServiceAccountToken: false, containers },
    },
    serviceOf(service, port),
    ...args.bareServices.map((name) => serviceOf(name, barePort)),
    {
      apiVersion: "networking.istio.io/v1",
      kind: "Sidecar",
      metadata,
      spec: {
        workloadSelector: { labels },
        ingress: [
          {
            port: { number: port, protocol: "HTTP", name: "http" },
            bind: address,
            captureMode: "NONE",
            defaultEndpoint: `127.0.0.1:${port}`,
          },
        ],
        // It makes no outgoing calls.
        egress: [{ hosts: ["~/*"] }],
      },
    },
  ];
}
