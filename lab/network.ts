import { nodeAddress, podRange, ROUTER, SERVICE_RANGE } from "./addresses";
import { logOf } from "./controlPlane";
import { outputInside, pidInside, startDaemon, type ProcessId } from "./namespaces";
import { eventually } from "./processes";
import { labPath } from "./state";

/** Numbers of the nodes. */
const NODES = [1, 2] as const;
const BRIDGE = "nodes";

/** A node of the lab's cluster. */
export interface LabNode {
  readonly number: number;
  readonly name: string;
  /** Holds its network namespace. */
  readonly network: ProcessId;
}

/** A network namespace for each node, all on one bridge; the lab's own namespace is their router. */
export async function startNodeNetworks(pid: number): Promise<LabNode[]> {
  const shell = (where: number, ...lines: string[]) => outputInside(where, ["sh", "-ec", lines.join("\n")]);
  await shell(
    pid,
    `ip link add ${BRIDGE} type bridge`,
    `ip address add ${ROUTER}/24 dev ${BRIDGE}`,
    `ip link set ${BRIDGE} up`,
    FORWARD,
  );
  const nodes: LabNode[] = [];
  for (const node of NODES) {
    const name = `node-${node}`;
    const holder = await startNetworkHolder(pid, name);
    await shell(
      pid,
      `ip link add ${name} type veth peer name uplink netns ${pidInside(holder.pid)}`,
      `ip link set ${name} master ${BRIDGE} up`,
    );
    await shell(
      holder.pid,
      "ip link set lo up",
      `ip address add ${nodeAddress(node)}/24 dev uplink`,
      "ip link set uplink up",
      `ip route add default via ${ROUTER}`,
      ...NODES.filter((other) => other !== node).map(
        (other) => `ip route add ${podRange(other)} via ${nodeAddress(other)}`,
      ),
      FORWARD,
    );
    await shell(pid, `ip route replace ${podRange(node)} via ${nodeAddress(node)}`);
    nodes.push({ number: node, name, network: holder });
  }
  // The API server calls webhooks at their Services' addresses.
  await shell(pid, `ip route replace ${SERVICE_RANGE} via ${nodeAddress(NODES[0])}`);
  return nodes;
}

/** Packets from a Service's address come back by another interface than the one that leads there. */
const FORWARD = `
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter
echo 0 > /proc/sys/net/ipv4/conf/default/rp_filter`;

/** A process in a network namespace of its own, once that exists. */
export async function startNetworkHolder(pid: number, name: string): Promise<ProcessId> {
  const command = ["unshare", "-n", "sleep", "infinity"];
  const holder = await startDaemon(pid, { name, command, cwd: labPath(), logFile: logOf(name) });
  const networkOf = (process: number) => outputInside(pid, ["readlink", `/proc/${pidInside(process)}/ns/net`]);
  const outer = await outputInside(pid, ["readlink", "/proc/self/ns/net"]);
  await eventually(
    `the network of ${name}`,
    5_000,
    async () => {
      if ((await networkOf(holder.pid)) === outer) {
        throw new Error("it has not started");
      }
    },
    20,
  );
  return holder;
}
