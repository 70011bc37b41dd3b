import { podLog } from "./node/pod";
import { labPath } from "./state";

/** A Pod whose first container is running. */
export interface RunningPod {
  readonly name: string;
  readonly namespace: string;
  readonly node: string;
  readonly address: string;
  /** Process of that container, by its number inside the lab. */
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
  readonly status: {
    readonly podIP?: string;
    readonly containerStatuses?: { readonly name: string; readonly containerID?: string }[];
  };
}

/** The running ones of a list of Pods, as JSON by kubectl, oldest first. Those that are ending are left out. */
export function runningPods(list: string): RunningPod[] {
  const { items } = JSON.parse(list) as { items: Pod[] };
  const byAge = items.sort((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp));
  return byAge.flatMap(({ metadata, spec, status }) => {
    const { name: container = "", containerID = "" } = status.containerStatuses?.[0] ?? {};
    const [, pid] = /^lab:\/\/(\d+)$/.exec(containerID) ?? [];
    const { nodeName: node } = spec;
    if (metadata.deletionTimestamp !== undefined || pid === undefined || node === undefined) {
      return [];
    }
    const { name, namespace } = metadata;
    const logFile = labPath("logs", podLog(metadata, container));
    return [{ name, namespace, node, address: status.podIP ?? "", pid: Number(pid), logFile }];
  });
}
