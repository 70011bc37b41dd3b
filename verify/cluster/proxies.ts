import { proxyName } from "../../components/shared/naming";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";
import { outputOf } from "./kubectl";

/** What `istioctl proxy-status -o json` says of a proxy, in the terms of Envoy's client status discovery service. */
interface ClientConfig {
  node: { id: string };
  genericXdsConfigs: { typeUrl: string; configStatus: string }[];
}

const WHAT = "every proxy has the current config";

/** Every Envoy of the gateway has the config that istiod sent last, and rejected none of it. */
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
  const own = proxies.filter(
    ({ node }) => node.id.startsWith(proxyName(config.gateway)) && node.id.endsWith(`.${namespace}`),
  );
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
          : "Envoy rejected the last config, or has not answered: the gateway serves the one before",
      more: `istioctl proxy-status; kubectl logs deploy/${proxyName(config.gateway)} -n ${namespace} | grep -i rejected`,
    }),
  ];
}
