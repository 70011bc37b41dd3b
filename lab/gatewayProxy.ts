import { linkAddresses } from "./addresses";
import { isAlive } from "./namespaces";
import { eventually } from "./processes";
import { startAgent, startProxy, type ProxyArgs } from "./proxy";
import type { ProxyState } from "./state";
import type { Tools } from "./tools";

/** Which gateway a proxy serves. */
export interface GatewayProxyArgs {
  readonly gateway: string;
  readonly namespace: string;
  readonly address: string;
  /** Number of the proxy in the lab. */
  readonly number: number;
  /** Annotations that the Gateway gives its pods. */
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Starts pilot-agent and Envoy for a Gateway. Its listeners take ports 80 and 443 on every address, and two gateways, or
 * two replicas of one, must run side by side.
 */
export async function startGatewayProxy(pid: number, tools: Tools, args: GatewayProxyArgs): Promise<ProxyState> {
  const { gateway, namespace, address, annotations } = args;
  const proxy = await startProxy(pid, tools, proxyArgs(args));
  return { gateway, namespace, address, ...proxy, annotations };
}

/** The proxy with the annotations that its Gateway has now: Istio would replace its pods. */
export async function annotateGatewayProxy(
  tools: Tools,
  proxy: ProxyState,
  args: GatewayProxyArgs,
): Promise<ProxyState> {
  if (JSON.stringify(proxy.annotations) === JSON.stringify(args.annotations)) {
    return proxy;
  }
  process.kill(proxy.agent.pid, "SIGTERM");
  await eventually(`the end of proxy-${args.number}`, 20_000, () =>
    isAlive(proxy.agent) ? Promise.reject(new Error("it still runs")) : Promise.resolve(),
  );
  return { ...proxy, agent: await startAgent(proxy.network, tools, proxyArgs(args)), annotations: args.annotations };
}

/** Starts the pilot-agent and Envoy of a proxy that has ended, in the network and with the identity that it had. */
export async function startGatewayProxyAgain(tools: Tools, proxy: ProxyState, number: number): Promise<ProxyState> {
  return { ...proxy, agent: await startAgent(proxy.network, tools, proxyArgs({ ...proxy, number })) };
}

function proxyArgs({ gateway, namespace, address, number, annotations }: GatewayProxyArgs): ProxyArgs {
  return {
    name: `proxy-${number}`,
    type: "router",
    namespace,
    pod: `${gateway}-istio-${number}`,
    serviceAccount: `${gateway}-istio`,
    address,
    link: linkAddresses(number),
    labels: {
      "gateway.networking.k8s.io/gateway-name": gateway,
      "service.istio.io/canonical-name": `${gateway}-istio`,
    },
    annotations,
    proxyConfig: {
      ...proxyStatsMatcher(annotations),
      // As Istio's deployment controller merges it into a pod's configuration.
      ...(JSON.parse(annotations["proxy.istio.io/config"] ?? "{}") as object),
    },
  };
}

/** Lets tests see what becomes of route tables, where the stack does not say itself which counters are kept. */
function proxyStatsMatcher(annotations: GatewayProxyArgs["annotations"]): object {
  const isSaid = Object.keys(annotations).some((name) => name.startsWith("sidecar.istio.io/stats"));
  return isSaid ? {} : { proxyStatsMatcher: { inclusionRegexps: [String.raw`http\..*\.rds\..*`] } };
}
