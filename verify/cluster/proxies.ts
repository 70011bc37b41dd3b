import { type GatewayRef, proxyName } from "../../components/shared/naming";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";
import { outputOf } from "./kubectl";

/** What `istioctl proxy-status -o json` says about a proxy, as Envoy's client status discovery service (CSDS) does. */
interface ClientConfig {
  node: { id: string };
  genericXdsConfigs: { typeUrl: string; configStatus: string }[];
}

const WHAT = "every proxy has the current config";

/** Whether a proxy is the gateway's. @param id POD.NAMESPACE; a Pod is called DEPLOYMENT-HASH-SUFFIX. */
export function isProxyOf(gateway: GatewayRef, id: string): boolean {
  // Another gateway's name may begin with this one's.
  return new RegExp(`^${proxyName(gateway)}-[^-]+-[^-]+\\.${gateway.namespace}$`).test(id);
}

/** Every Envoy of the gateway has istiod's latest config, and rejected none of it. */
export async function checkProxies({ config }: Target): Promise<Row[]> {
  const { namespace } = config.gateway;
  let proxies: ClientConfig[];
  try {
    const status = JSON.parse(await outputOf("istioctl", ["proxy-status", "-o", "json"])) as {
      resources?: ClientConfig[];
    };
    proxies = status.resources ?? [];
  } catch (error) {
    return [skipped("proxies", WHAT, error instanceof Error ? error.message : String(error))];
  }
  const own = proxies.filter(({ node }) => isProxyOf(config.gateway, node.id));
  const flaws = own.flatMap(({ node, genericXdsConfigs }) =>
    genericXdsConfigs
      .filter(({ configStatus }) => !["SYNCED", "UNKNOWN"].includes(configStatus))
      .map(({ typeUrl, configStatus }) => `${node.id}: ${typeUrl.split(".").at(-1) ?? ""} is ${configStatus}`),
  );
  const seen = flaws[0] ?? `${own.length} in sync`;
  return [
    row("proxies", WHAT, own.length > 0 && flaws.length === 0, seen, {
      cause:
        own.length === 0
          ? "no proxy of the gateway is connected to istiod"
          : "Envoy rejected the latest config or has not acknowledged it: the gateway uses the previous one",
      more: `istioctl proxy-status; kubectl logs deploy/${proxyName(config.gateway)} -n ${namespace} | grep -i rejected`,
    }),
  ];
}
