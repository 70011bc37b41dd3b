import { randomUUID } from "node:crypto";
import { isIP } from "node:net";
import { proxyLabels, proxyName } from "../../components/shared/naming";
import { dependsOnAddress } from "../../config/resolve/entrance";
import { tellsClients } from "../../config/schema/entry/clientAddress";
import { get } from "../client";
import { unservedUrl } from "../hosts";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";
import { getAll, getObject, outputOf, selectorOf } from "./kubectl";

const CHECK = "client-address";
const WHAT = "proxies see the address of this client";
/** Most requests until one of a sample is logged. */
const MOST_REQUESTS = 60;
/** Time until Envoy has written its log. Unit: milliseconds. */
const LOG_MS = 12_000;

interface Service {
  spec: { externalTrafficPolicy?: string };
}

interface Node {
  status?: { addresses?: { address: string }[] };
}

/** Compares the address in the proxies' access log with the one that the request came from. */
export async function checkClientAddress({ config, route }: Target): Promise<Row[]> {
  const { gateway, telemetry, services } = config;
  const share = (telemetry.accessLogs?.samplePercent ?? 0) / 100;
  if (tellsClients(gateway.clientAddress)) {
    return [skipped(CHECK, WHAT, "proxies in front of the gateway tell the address")];
  }
  if (share === 0) {
    return [skipped(CHECK, WHAT, "telemetry.accessLogs logs no such request")];
  }
  // Nobody serves this host, so no limit is used up.
  const url = unservedUrl(config);
  if (url === undefined) {
    return [skipped(CHECK, WHAT, "a service has every name of every listener, and its limits should not be used up")];
  }
  const agent = `verify-${randomUUID()}`;
  let from: string | undefined;
  const count = Math.min(Math.ceil(share === 1 ? 1 : 5 / share), MOST_REQUESTS);
  for (let sent = 0; sent < count; sent++) {
    const answer = await get(url, { ...route, headers: { "user-agent": agent } });
    from = answer.from;
    if (from === undefined) {
      return [row(CHECK, WHAT, false, answer.error ?? "no answer", { cause: "the connection broke" })];
    }
  }
  const line = await loggedLine(gateway.namespace, proxyLabels(gateway), agent);
  if (line === undefined || from === undefined) {
    return [skipped(CHECK, WHAT, "the proxies' logs do not have the request")];
  }
  const seen = addressesIn(line);
  const plain = withoutMapping(from);
  if (seen.includes(plain)) {
    return [row(CHECK, WHAT, true, plain)];
  }
  const nodes = (await getAll<Node>("nodes")).flatMap(({ status }) => status?.addresses ?? []);
  const node = nodes.map(({ address }) => address).find((address) => seen.includes(address));
  const service = await getObject<Service>("service", proxyName(gateway), gateway.namespace);
  // kube-proxy may also show an address of the Pods' network.
  const isHidden = service?.spec.externalTrafficPolicy === "Cluster";
  if (isHidden && !services.some(dependsOnAddress)) {
    return [skipped(CHECK, WHAT, "they see nodes' instead (externalTrafficPolicy Cluster), and no service needs it")];
  }
  const other = seen[0] ?? "none";
  return node === undefined && !isHidden
    ? [skipped(CHECK, WHAT, `they see ${other}, not ${plain}: something in between translates addresses`)]
    : [
        row(CHECK, WHAT, false, `${node === undefined ? other : `${node}, a node's,`} instead of ${plain}`, {
          cause:
            "the Service has externalTrafficPolicy Cluster, or the load balancer does not keep clients' addresses: every client looks like a node, to address lists and limits too",
          more: `kubectl get service -n ${gateway.namespace} -o custom-columns=NAME:.metadata.name,POLICY:.spec.externalTrafficPolicy`,
        }),
      ];
}

/** The access log's line of a request, by its user agent. */
async function loggedLine(
  namespace: string,
  labels: Readonly<Record<string, string>>,
  agent: string,
): Promise<string | undefined> {
  const logs = ["logs", "-n", namespace, "-l", selectorOf(labels), "--tail=1000", "--max-log-requests=100"];
  for (const end = Date.now() + LOG_MS; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 1000))) {
    const line = (await outputOf("kubectl", logs)).split("\n").find((text) => text.includes(agent));
    if (line !== undefined) {
      return line;
    }
  }
  return undefined;
}

/** IP addresses in a text, without ports. */
export function addressesIn(line: string): string[] {
  const words = line.split(/[\s"',[\]{}]+/);
  const without = (word: string) => (isIP(word) === 0 ? word.replace(/:\d+$/, "") : word);
  return words.map((word) => withoutMapping(without(word))).filter((word) => isIP(word) !== 0);
}

/** An IPv4 address in its own form. */
function withoutMapping(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
