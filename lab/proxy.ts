import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ISTIOD_HOST } from "./addresses";
import { kubectl, logOf } from "./controlPlane";
import { outputInside, pidInside, startDaemon, type ProcessId } from "./namespaces";
import { startNetworkHolder } from "./network";
import { eventually } from "./processes";
import { labPath } from "./state";
import type { Tools } from "./tools";

/** A sidecar: pilot-agent and Envoy. Istio makes those of gateways. */
export interface ProxyArgs {
  /** Names its folder, its log and its link. At most 15 characters, Linux's limit for interface names. */
  readonly name: string;
  readonly namespace: string;
  readonly pod: string;
  readonly serviceAccount: string;
  readonly address: string;
  /** The two ends of its link to the lab's network. */
  readonly link: { readonly lab: string; readonly proxy: string };
  readonly labels: Readonly<Record<string, string>>;
  readonly env?: NodeJS.ProcessEnv;
}

export interface Proxy {
  /** Holds the proxy's network namespace. */
  readonly network: ProcessId;
  readonly agent: ProcessId;
}

/** Starts a proxy in its own network namespace, as in a pod. */
export async function startProxy(pid: number, tools: Tools, args: ProxyArgs): Promise<Proxy> {
  const cwd = labPath(args.name);
  mkdirSync(cwd, { recursive: true, mode: 0o700 });
  const network = await startNetwork(pid, args);
  await writeIdentity(pid, tools, args, cwd);
  return { network, agent: await startAgent(network, tools, args) };
}

/** Starts pilot-agent, which starts Envoy, in the proxy's network namespace. */
function startAgent(network: ProcessId, tools: Tools, args: ProxyArgs): Promise<ProcessId> {
  const { name, namespace } = args;
  return startDaemon(network.pid, {
    name,
    command: [tools.programs["pilot-agent"], "proxy", "sidecar", "--domain", `${namespace}.svc.cluster.local`],
    cwd: labPath(name),
    logFile: logOf(name),
    env: agentEnv(tools, args),
  });
}

/** Creates a network namespace with a link to the lab's. */
export async function startNetwork(
  pid: number,
  { name, address, link }: Pick<ProxyArgs, "name" | "address" | "link">,
): Promise<ProcessId> {
  const network = await startNetworkHolder(pid, name);
  await outputInside(pid, [
    "sh",
    "-ec",
    [
      // Disconnects a proxy of the same name from an earlier test.
      `ip link delete ${name} 2>/dev/null || true`,
      `ip link add ${name} type veth peer name uplink netns ${pidInside(network.pid)}`,
      `ip address add ${link.lab}/30 dev ${name}`,
      `ip link set ${name} up`,
    ].join("\n"),
  ]);
  await outputInside(network.pid, [
    "sh",
    "-ec",
    [
      "ip link set lo up",
      `ip address add ${link.proxy}/30 dev uplink`,
      "ip link set uplink up",
      `ip address add ${address}/32 dev lo`,
      `ip route add default via ${link.lab}`,
    ].join("\n"),
  ]);
  await outputInside(pid, ["ip", "route", "replace", `${address}/32`, "via", link.proxy]);
  return network;
}

/** The files that would be mounted in its pod. */
async function writeIdentity(pid: number, tools: Tools, args: ProxyArgs, cwd: string): Promise<void> {
  const { namespace, serviceAccount } = args;
  for (const folder of ["var/run/secrets/tokens", "var/run/secrets/istio", "var/lib/istio/envoy", "etc/istio/proxy"]) {
    mkdirSync(join(cwd, folder), { recursive: true, mode: 0o700 });
  }
  const create = ["create", "token", serviceAccount, "--audience", "istio-ca", "--duration", "24h"];
  const token = await kubectl(pid, tools, ["-n", namespace, ...create]);
  writeFileSync(join(cwd, "var/run/secrets/tokens/istio-token"), token.trim(), { mode: 0o600 });
  const root = await eventually(`istiod's root certificate in ${namespace}`, 30_000, async () => {
    const get = ["get", "configmap", "istio-ca-root-cert", "-o", "jsonpath={.data.root-cert\\.pem}"];
    const pem = await kubectl(pid, tools, ["-n", namespace, ...get]);
    return pem === "" ? Promise.reject(new Error("it is empty")) : pem;
  });
  writeFileSync(join(cwd, "var/run/secrets/istio/root-cert.pem"), root);
  copyFileSync(tools.envoyBootstrap, join(cwd, "var/lib/istio/envoy/envoy_bootstrap_tmpl.json"));
}

function agentEnv(tools: Tools, args: ProxyArgs): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    POD_NAME: args.pod,
    POD_NAMESPACE: args.namespace,
    INSTANCE_IP: args.address,
    SERVICE_ACCOUNT: args.serviceAccount,
    ISTIO_META_CLUSTER_ID: "Kubernetes",
    ISTIO_META_WORKLOAD_NAME: args.serviceAccount,
    ISTIO_METAJSON_LABELS: JSON.stringify(args.labels),
    PILOT_CERT_PROVIDER: "istiod",
    CA_ADDR: `${ISTIOD_HOST}:15012`,
    ISTIOD_SAN: ISTIOD_HOST,
    TRUST_DOMAIN: "cluster.local",
    PROXY_CONFIG: JSON.stringify({
      discoveryAddress: `${ISTIOD_HOST}:15012`,
      binaryPath: tools.programs.envoy,
      concurrency: 2,
    }),
    ...args.env,
  };
}
