import { lookup } from "node:dns/promises";
import { checkCertificate } from "./checks/certificate";
import { checkClientCertificate } from "./checks/clientCertificate";
import { checkDns } from "./checks/dns";
import { checkHeaders } from "./checks/headers";
import { checkLimits } from "./checks/limits";
import { checkRedirect } from "./checks/redirect";
import { checkRoutes } from "./checks/routes";
import { checkStreams } from "./checks/streams";
import { checkTls } from "./checks/tls";
import { checkBackends } from "./cluster/backends";
import { checkClientAddress } from "./cluster/clientAddress";
import { checkConditions } from "./cluster/conditions";
import { checkInfrastructure } from "./cluster/infrastructure";
import { checkListenerSets } from "./cluster/listenerSets";
import { checkProxies } from "./cluster/proxies";
import { checkShadowed } from "./cluster/shadowed";
import { someHost } from "./hosts";
import { skipped, type Row } from "./row";
import { recordedAddress, type Target } from "./target";

type Check = (target: Target) => Promise<Row[]>;

/** What any client can see. */
const PUBLIC: readonly Check[] = [checkRedirect, checkCertificate, checkStreams];

/** What only a client that the https listener admits can see. */
const TRAFFIC: readonly Check[] = [checkTls, checkRoutes, checkHeaders];

/** What needs read access to the cluster. */
const CLUSTER: readonly (readonly [name: string, check: Check])[] = [
  ["conditions", checkConditions],
  ["listener-sets", checkListenerSets],
  ["infrastructure", checkInfrastructure],
  ["backends", checkBackends],
  ["shadowed", checkShadowed],
  ["proxies", checkProxies],
  ["client-address", checkClientAddress],
];

export interface VerifyOptions {
  /** Check the cluster too. */
  readonly cluster: boolean;
  /** Use up rate limits to check them. */
  readonly limits: boolean;
}

/** Checks a gateway from outside, and in its cluster. */
export async function verify(target: Target, { cluster, limits }: VerifyOptions): Promise<Row[]> {
  const direct = { ...target, route: { ...target.route, address: await addressOf(target) } };
  const run = async (checks: readonly Check[], on: Target) =>
    (await Promise.all(checks.map((check) => check(on)))).flat();
  const client = await checkClientCertificate(direct);
  const admitting = through(client.admitting, direct);
  return [
    ...(await checkDns(target)),
    ...client.rows,
    ...(await run(PUBLIC, direct)),
    ...(admitting === undefined ? [] : await run(TRAFFIC, admitting)),
    ...(limits && admitting !== undefined ? await checkLimits(admitting) : []),
    ...(cluster ? await inCluster(direct) : []),
  ];
}

/** What is behind listeners that admit this client; undefined if there is none. */
function through(admitting: ReadonlySet<string>, target: Target): Target | undefined {
  const listeners = target.config.listeners.filter(({ name }) => admitting.has(name));
  // All hosts of a service ask for certificates, or none does.
  const services = target.config.services.filter(({ hosts }) => hosts.some(({ listener }) => admitting.has(listener)));
  return services.length === 0 ? undefined : { ...target, config: { ...target.config, listeners, services } };
}

/** The gateway's own address, so that a wrong DNS record fails only its own check. */
async function addressOf({ config, outputs, route }: Target): Promise<string | undefined> {
  const recorded = outputs === undefined ? config.gateway.address : recordedAddress(outputs);
  const name = route.address ?? recorded ?? someHost(config).host;
  return lookup(name).then(
    ({ address }) => address,
    () => undefined,
  );
}

async function inCluster(target: Target): Promise<Row[]> {
  const rows = CLUSTER.map(async ([name, check]) => {
    try {
      return await check(target);
    } catch (error) {
      return [skipped(name, "it can be checked", error instanceof Error ? error.message : String(error))];
    }
  });
  return (await Promise.all(rows)).flat();
}
