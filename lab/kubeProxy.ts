import { mkdirSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import { nodeAddress, POD_RANGE } from "./addresses";
import { kubeconfigPath, logOf } from "./controlPlane";
import { startDaemon, type ProcessId } from "./namespaces";
import type { LabNode } from "./network";
import { labPath } from "./state";
import type { Tools } from "./tools";

/** Starts the real kube-proxy in a node's network, where it needs the node's InternalIP. */
export function startKubeProxy({ number, name: node, network }: LabNode, tools: Tools): Promise<ProcessId> {
  const name = `kube-proxy-${number}`;
  mkdirSync(labPath(name), { recursive: true, mode: 0o700 });
  return startDaemon(network.pid, {
    name,
    command: [
      tools.programs["kube-proxy"],
      "--proxy-mode=nftables",
      `--kubeconfig=${kubeconfigPath()}`,
      `--hostname-override=${node}`,
      `--cluster-cidr=${POD_RANGE}`,
      `--healthz-bind-address=${nodeAddress(number)}:10256`,
      // The kernel's own limits: they are not a user namespace's to change.
      "--conntrack-max-per-core=0",
      "--conntrack-tcp-timeout-established=0",
      "--conntrack-tcp-timeout-close-wait=0",
      // Changes take effect at once.
      "--iptables-min-sync-period=0",
    ],
    cwd: labPath(name),
    logFile: logOf(name),
    env: { ...process.env, PATH: [dirname(tools.programs.nft), process.env.PATH ?? ""].join(delimiter) },
  });
}
