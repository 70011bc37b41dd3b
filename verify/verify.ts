import { lookup } from "node:dns/promises";
import { checkCertificate } from "./checks/certificate";
import { checkDns } from "./checks/dns";
import { checkRedirect } from "./checks/redirect";
import { checkRoutes } from "./checks/routes";
import { checkTls } from "./checks/tls";
import { checkBackends } from "./cluster/backends";
import { checkConditions } from "./cluster/conditions";
import { checkProxies } from "./cluster/proxies";
import { skipped, type Row } from "./row";
import { recordedAddress, type Target } from "./target";

type Check = (target: Target) => Promise<Row[]>;

/** What any client can see. */
const TRAFFIC: readonly Check[] = [checkRedirect, checkTls, checkCertificate, checkRoutes];

/** What needs the right to read the cluster. */
const CLUSTER: readonly Check[] = [checkConditions, checkBackends, checkProxies];

/** Looks at a gateway from outside, and into its cluster where `cluster` says so. */
export async function verify(target: Target, cluster: boolean): Promise<Row[]> {
  const direct = { ...target, route: { ...target.route, address: await addressOf(target) } };
  const rows = await Promise.all([checkDns(target), ...TRAFFIC.map((check) => check(direct))]);
  return [...rows.flat(), ...(cluster ? await inCluster(direct) : [])];
}

/** The gateway's own address, so that a wrong DNS record fails its own check and no other. */
async function addressOf({ config, outputs, route }: Target): Promise<string | undefined> {
  const recorded = outputs === undefined ? config.gateway.address : recordedAddress(outputs);
  const name = route.address ?? recorded ?? config.services[0]?.host ?? config.domain;
  return lookup(name).then(
    ({ address }) => address,
    () => undefined,
  );
}

async function inCluster(target: Target): Promise<Row[]> {
  try {
    return (await Promise.all(CLUSTER.map((check) => check(target)))).flat();
  } catch (error) {
    return [
      skipped("cluster", "the cluster's objects are in force", error instanceof Error ? error.message : String(error)),
    ];
  }
}
