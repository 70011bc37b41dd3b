import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { nodeAddress, ROUTER } from "../addresses";
import { Client } from "../plugins/kubernetes/client";
import type { Programs } from "./images";
import { Kubelet } from "./kubelet";
import { LoadBalancer } from "./loadBalancer";
import { KUBELET_PORT, LogServer } from "./logs";
import type { Pod, Service } from "./objects";
import { follow } from "./watch";

/** Arguments of the process, as JSON. */
export interface NodesArgs {
  readonly folder: string;
  readonly logsFolder: string;
  readonly programs: Programs;
  /** Files of the kubelets' certificate and its key. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** The nodes, with a process in the network namespace of each. */
  readonly nodes: readonly { readonly number: number; readonly name: string; readonly network: number }[];
}

/**
 * What a cluster has besides its control plane and kube-proxy: a kubelet for each node, and a load balancer. One process
 * for all of them.
 */
async function main({ folder, logsFolder, programs, certificate, nodes }: NodesArgs): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const hostsFile = join(folder, "hosts");
  writeFileSync(hostsFile, "127.0.0.1 localhost\n");
  const client = new Client();
  const kubelets = nodes.map(({ number, name, network }) => {
    const own = { folder: join(folder, name), nodeAddress: nodeAddress(number), number, name, network };
    return new Kubelet(client, { ...own, programs, hostsFile, logsFolder });
  });
  for (const kubelet of kubelets) {
    await kubelet.register();
  }
  const logs = new LogServer(logsFolder, () => kubelets.flatMap((kubelet) => kubelet.logs()));
  const { cert, key } = certificate;
  createServer({ cert: readFileSync(cert), key: readFileSync(key) }, logs.handle).listen(KUBELET_PORT, ROUTER);
  console.log("ready");
  const balanced = nodes.map(({ name, number }) => ({ name, number, address: nodeAddress(number) }));
  const loadBalancer = new LoadBalancer(client, balanced, programs.nft ?? "nft");
  await loadBalancer.start();
  await Promise.all([
    follow<Pod>(client, "/api/v1/pods", (pods) => kubelets.forEach((kubelet) => kubelet.see(pods))),
    follow<Service>(client, "/api/v1/services", (services) => loadBalancer.see([...services.values()])),
  ]);
}

void main(JSON.parse(process.argv[2] ?? "{}") as NodesArgs);
