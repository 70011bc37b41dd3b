import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** The network of a Pod: a namespace of its own, with one address and a link to its node's. */
export interface PodNetwork {
  /** The process that holds it. */
  readonly pid: number;
  end(): void;
}

/**
 * The gateway that a Pod sees: a link-local address at the node's end of each link, as many CNI plugins do. Its scope keeps
 * kube-proxy from showing it to Pods as a client's: they see the node's.
 */
const LINK = "169.254.1.1";

/** @param node A process in the node's network namespace. */
export async function startPodNetwork(node: number, link: string, address: string): Promise<PodNetwork> {
  const holder = spawn("unshare", ["--net", "sh", "-c", "echo; exec sleep infinity"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { pid } = holder;
  if (pid === undefined) {
    throw new Error("unshare is missing");
  }
  // Its namespace exists once it has written a line.
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  const script = `
    ip link delete ${link} 2>/dev/null || true
    ip link add ${link} type veth peer name eth0 netns ${pid}
    ip address add ${LINK}/32 dev ${link} scope host
    ip link set ${link} up
    ip route replace ${address}/32 dev ${link}
    nsenter --net=/proc/${pid}/ns/net sh -ec '
      ip link set lo up
      ip address add ${address}/32 dev eth0
      ip link set eth0 up
      ip route add ${LINK} dev eth0
      ip route add default via ${LINK} dev eth0
    '`;
  await execute("nsenter", [`--net=/proc/${node}/ns/net`, "sh", "-ec", script]);
  return { pid, end: () => holder.kill("SIGKILL") };
}
