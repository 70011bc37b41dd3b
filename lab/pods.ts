import { podLog } from "./node/pod";
import { labPath } from "./state";

/** Runs kubectl in the lab. */
export type Kubectl = (args: readonly string[]) => Promise<string>;

/** A running Pod of a gateway. */
export interface GatewayPod {
  readonly name: string;
  readonly namespace: string;
  readonly node: string;
  readonly address: string;
  /** Process of its pilot-agent, by its number inside the lab. */
  readonly pid: number;
  readonly logFile: string;
}

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly podIP?: string; readonly containerStatuses?: { readonly containerID?: string }[] };
}

/** The process of a Pod's first container, by its number inside the lab. */
export async function containerPid(kubectl: Kubectl, namespace: string, name: string): Promise<number> {
  const path = "jsonpath={.status.containerStatuses[0].containerID}";
  const id = await kubectl(["get", "pod", name, "-n", namespace, "-o", path]);
  return Number(id.replace("lab://", ""));
}

export async function gatewayPods(kubectl: Kubectl, gateway: string): Promise<GatewayPod[]> {
  const label = `gateway.networking.k8s.io/gateway-name=${gateway}`;
  const { items } = JSON.parse(await kubectl(["get", "pods", "-A", "-l", label, "-o", "json"])) as { items: Pod[] };
  const byAge = items.sort((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp));
  return byAge.flatMap(({ metadata, spec, status }) => {
    const [, pid] = /^lab:\/\/(\d+)$/.exec(status.containerStatuses?.[0]?.containerID ?? "") ?? [];
    const { nodeName: node } = spec;
    if (metadata.deletionTimestamp !== undefined || pid === undefined || node === undefined) {
      return [];
    }
    const { name, namespace } = metadata;
    const logFile = labPath("logs", podLog(metadata, "istio-proxy"));
    return [{ name, namespace, node, address: status.podIP ?? "", pid: Number(pid), logFile }];
  });
}
