import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ISTIOD_HOST, linkAddresses } from "./addresses";
import { kubeEnv, logOf } from "./controlPlane";
import { isAlive, outputInside, pidInside, startDaemon, type ProcessId } from "./namespaces";
import { eventually } from "./processes";
import { labPath, type ProxyState } from "./state";
import type { Tools } from "./tools";

/** Which gateway a proxy serves. */
export interface ProxyArgs {
  readonly gateway: string;
  readonly namespace: string;
  readonly address: string;
  /** Number of the proxy in the lab. */
  readonly number: number;
  /** Annotations that the Gateway gives its pods. */
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Starts pilot-agent and Envoy for a Gateway, in a network namespace of its own: its listeners take ports 80 and 443 on
 * every address, and two gateways, or two replicas of one, must run side by side.
 */
export async function startGatewayProxy(pid: number, tools: Tools, args: ProxyArgs): Promise<ProxyState> {
  const { gateway, namespace, address, number } = args;
  const name = `proxy-${number}`;
  const cwd = labPath(name);
  mkdirSync(cwd, { recursive: true, mode: 0o700 });
  const network = await startDaemon(pid, {
    name,
    command: ["unshare", "-n", "sleep", "infinity"],
    cwd,
    logFile: logOf(name),
  });
  const link = linkAddresses(number);
  await eventually(`the network of ${name}`, 5_000, () =>
    outputInside(pid, [
      "sh",
      "-ec",
      [
        `ip link add gateway${number} type veth peer name uplink netns ${pidInside(network.pid)}`,
        `ip address add ${link.lab}/30 dev gateway${number}`,
        `ip link set gateway${number} up`,
      ].join("\n"),
    ]),
  );
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
  await writeIdentity(pid, tools, args, cwd);
  const agent = await startAgent(network, tools, args);
  return { gateway, namespace, address, network, agent, annotations: args.annotations };
}

/** The proxy with the annotations that its Gateway has now: Istio would replace its pods. */
export async function annotateGatewayProxy(tools: Tools, proxy: ProxyState, args: ProxyArgs): Promise<ProxyState> {
  if (JSON.stringify(proxy.annotations) === JSON.stringify(args.annotations)) {
    return proxy;
  }
  process.kill(proxy.agent.pid, "SIGTERM");
  await eventually(`the end of proxy-${args.number}`, 20_000, () =>
    isAlive(proxy.agent) ? Promise.reject(new Error("it still runs")) : Promise.resolve(),
  );
  return { ...proxy, agent: await startAgent(proxy.network, tools, args), annotations: args.annotations };
}

function startAgent(network: ProcessId, tools: Tools, args: ProxyArgs): Promise<ProcessId> {
  const name = `proxy-${args.number}`;
  return startDaemon(network.pid, {
    name,
    command: [tools.programs["pilot-agent"], "proxy", "router", "--domain", `${args.namespace}.svc.cluster.local`],
    cwd: labPath(name),
    logFile: logOf(name),
    env: agentEnv(tools, args),
  });
}

/** What a pod of the gateway would find mounted. */
async function writeIdentity(pid: number, tools: Tools, args: ProxyArgs, cwd: string): Promise<void> {
  const { gateway, namespace } = args;
  for (const folder of ["var/run/secrets/tokens", "var/run/secrets/istio", "var/lib/istio/envoy", "etc/istio/proxy"]) {
    mkdirSync(join(cwd, folder), { recursive: true, mode: 0o700 });
  }
  const kubectl = (...command: string[]) => outputInside(pid, [tools.programs.kubectl, ...command], { env: kubeEnv() });
  const token = await kubectl(
    "-n",
    namespace,
    "create",
    "token",
    `${gateway}-istio`,
    "--audience",
    "istio-ca",
    "--duration",
    "24h",
  );
  writeFileSync(join(cwd, "var/run/secrets/tokens/istio-token"), token.trim(), { mode: 0o600 });
  const root = await eventually(`istiod's root certificate in ${namespace}`, 30_000, async () => {
    const pem = await kubectl(
      "-n",
      namespace,
      "get",
      "configmap",
      "istio-ca-root-cert",
      "-o",
      "jsonpath={.data.root-cert\\.pem}",
    );
    return pem === "" ? Promise.reject(new Error("it is empty")) : pem;
  });
  writeFileSync(join(cwd, "var/run/secrets/istio/root-cert.pem"), root);
  copyFileSync(tools.envoyBootstrap, join(cwd, "var/lib/istio/envoy/envoy_bootstrap_tmpl.json"));
}

function agentEnv(tools: Tools, args: ProxyArgs): NodeJS.ProcessEnv {
  const { gateway, namespace, address, number, annotations } = args;
  const labels = {
    "gateway.networking.k8s.io/gateway-name": gateway,
    "service.istio.io/canonical-name": `${gateway}-istio`,
  };
  return {
    PATH: process.env.PATH,
    POD_NAME: `${gateway}-istio-${number}`,
    POD_NAMESPACE: namespace,
    INSTANCE_IP: address,
    SERVICE_ACCOUNT: `${gateway}-istio`,
    ISTIO_META_CLUSTER_ID: "Kubernetes",
    ISTIO_META_WORKLOAD_NAME: `${gateway}-istio`,
    ISTIO_METAJSON_LABELS: JSON.stringify(labels),
    PILOT_CERT_PROVIDER: "istiod",
    CA_ADDR: `${ISTIOD_HOST}:15012`,
    ISTIOD_SAN: ISTIOD_HOST,
    TRUST_DOMAIN: "cluster.local",
    PROXY_CONFIG: JSON.stringify({
      discoveryAddress: `${ISTIOD_HOST}:15012`,
      binaryPath: tools.programs.envoy,
      concurrency: 2,
      // As Istio's deployment controller merges it into a pod's configuration.
      ...(JSON.parse(annotations["proxy.istio.io/config"] ?? "{}") as object),
    }),
  };
}
