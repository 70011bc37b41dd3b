import { proxyName } from "../components/shared/naming";
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
  /** Annotations that the Gateway sets on its pods. */
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Starts pilot-agent and Envoy for a Gateway, in a network of their own: its listeners bind ports 80 and 443 on every
 * address, and two gateways, or two replicas of one, must run side by side.
 */
export async function startGatewayProxy(pid: number, tools: Tools, args: GatewayProxyArgs): Promise<ProxyState> {
  const { gateway, namespace, address, annotations } = args;
  const proxy = await startProxy(pid, tools, proxyArgs(args));
  return { gateway, namespace, address, ...proxy, annotations };
}

/** Restarts the proxy with its Gateway's current annotations, as Istio would replace its pods. */
export async function annotateGatewayProxy(
  tools: Tools,
  proxy: ProxyState,
  args: GatewayProxyArgs,
): Promise<ProxyState> {
  if (JSON.stringify(proxy.annotations) === JSON.stringify(args.annotations)) {
    return proxy;
  }
  process.kill(proxy.agent.pid, "SIGTERM");
  await eventually(`proxy-${args.number} to end`, 20_000, () =>
    isAlive(proxy.agent) ? Promise.reject(new Error("it is still running")) : Promise.resolve(),
  );
  return { ...proxy, agent: await startAgent(proxy.network, tools, proxyArgs(args)), annotations: args.annotations };
}

/** Starts pilot-agent and Envoy again for a proxy that has ended, in its old network and with its old identity. */
export async function startGatewayProxyAgain(tools: Tools, proxy: ProxyState, number: number): Promise<ProxyState> {
  return { ...proxy, agent: await startAgent(proxy.network, tools, proxyArgs({ ...proxy, number })) };
}

/** Name of a proxy's Pod. */
export function gatewayPod(gateway: string, number: number): string {
  return `${proxyName({ name: gateway })}-${number}`;
}

function proxyArgs({ gateway, namespace, address, number, annotations }: GatewayProxyArgs): ProxyArgs {
  return {
    name: `proxy-${number}`,
    type: "router",
    namespace,
    pod: gatewayPod(gateway, number),
    serviceAccount: proxyName({ name: gateway }),
    address,
    link: linkAddresses(number),
    labels: {
      "gateway.networking.k8s.io/gateway-name": gateway,
      "service.istio.io/canonical-name": proxyName({ name: gateway }),
    },
    annotations,
    proxyConfig: {
      ...proxyStatsMatcher(annotations),
      // Merged into the pod's configuration, as Istio's deployment controller does.
      ...(JSON.parse(annotations["proxy.istio.io/config"] ?? "{}") as object),
    },
  };
}

/** Keeps the route table counters for tests, unless the stack itself sets which counters to keep. */
function proxyStatsMatcher(annotations: GatewayProxyArgs["annotations"]): object {
  const isSaid = Object.keys(annotations).some((name) => name.startsWith("sidecar.istio.io/stats"));
  return isSaid ? {} : { proxyStatsMatcher: { inclusionRegexps: [String.raw`http\..*\.rds\..*`] } };
}
