import { podAddress, ROUTER } from "../addresses";
import { ApiError, type Client } from "../plugins/kubernetes/client";
import { KUBELET_PORT } from "./logs";
import type { Pod, Source } from "./objects";
import { RunningPod, type NodeArgs } from "./pod";
import type { Reader } from "./reader";
import { report } from "./report";

/** Time between two writes of the Pods' volumes, as a kubelet does. Unit: milliseconds. */
const SYNC_MS = 60_000;

export interface KubeletArgs extends Omit<NodeArgs, "read"> {
  readonly name: string;
  readonly number: number;
}

/** Runs the Pods of one node: containers are plain processes in network namespaces. */
export class Kubelet {
  private readonly pods = new Map<string, RunningPod>();
  private readonly reported = new Map<string, string>();
  private readonly telling = new Set<string>();
  private readonly ending = new Set<string>();
  private readonly addresses = new Set<string>();
  private started = 0;

  constructor(
    private readonly client: Client,
    private readonly args: KubeletArgs,
  ) {
    setInterval(() => {
      for (const pod of this.pods.values()) {
        pod.refresh().catch(report);
      }
    }, SYNC_MS);
  }

  /** Registers the node. The lab has no heartbeats: it stays ready until it is deleted. */
  async register(): Promise<void> {
    const { name, nodeAddress } = this.args;
    const labels = { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "topology.kubernetes.io/zone": name };
    const node = { apiVersion: "v1", kind: "Node", metadata: { name, labels } };
    await this.client.apply(node, "lab", { dryRun: false, force: true });
    const size = { cpu: "32", memory: "128Gi", pods: "250", "ephemeral-storage": "100Gi" };
    const status = {
      capacity: size,
      allocatable: size,
      addresses: [
        { type: "InternalIP", address: nodeAddress },
        { type: "Hostname", address: name },
        // Where the kubelets of all nodes answer.
        { type: "ExternalIP", address: ROUTER },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: KUBELET_PORT } },
      conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }],
    };
    const patch = "application/merge-patch+json";
    await this.client.call("PATCH", `/api/v1/nodes/${name}/status`, { status }, patch);
    // Each new node is tainted as not ready until a controller sees it.
    await this.client.call("PATCH", `/api/v1/nodes/${name}`, { spec: { taints: null } }, patch);
  }

  /** Names of the logs of the containers that run. */
  logs(): string[] {
    return [...this.pods.values()].flatMap((running) => running.logs());
  }

  /** Starts, updates and ends Pods as the API server has them. */
  see(all: ReadonlyMap<string, Pod>): void {
    for (const [uid, pod] of all) {
      if (pod.spec.nodeName === this.args.name) {
        this.seePod(uid, pod);
      }
    }
    for (const [uid, running] of this.pods) {
      if (!all.has(uid)) {
        void this.end(uid, running);
      }
    }
  }

  private seePod(uid: string, pod: Pod): void {
    if (this.ending.has(uid)) {
      return;
    }
    const running = this.pods.get(uid);
    if (running !== undefined) {
      running.pod = pod;
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      void this.end(uid, running ?? this.create(uid, pod));
    } else if (running === undefined) {
      const fresh = this.create(uid, pod);
      this.pods.set(uid, fresh);
      fresh.start().catch(report);
    }
  }

  private create(uid: string, pod: Pod): RunningPod {
    const address = this.freeAddress();
    const link = `pod${this.args.number}-${this.started}`;
    const args = { ...this.args, read: this.reader };
    return new RunningPod(pod, address, link, args, () => void this.tell(uid));
  }

  private freeAddress(): string {
    for (;;) {
      this.started += 1;
      const address = podAddress(this.args.number, this.started);
      if (!this.addresses.has(address)) {
        this.addresses.add(address);
        return address;
      }
    }
  }

  /** Reports a Pod's status until it is the one that was reported last: one call at a time, so that none overtakes another. */
  private async tell(uid: string): Promise<void> {
    if (this.telling.has(uid)) {
      return;
    }
    this.telling.add(uid);
    for (let running = this.pods.get(uid); running !== undefined; running = this.pods.get(uid)) {
      const status = running.status();
      const text = JSON.stringify(status);
      if (this.reported.get(uid) === text) {
        break;
      }
      try {
        await this.client.call("PATCH", `${pathOf(running.pod)}/status`, { status }, "application/merge-patch+json");
        this.reported.set(uid, text);
      } catch (error) {
        if (isGone(error)) {
          break;
        }
        // The API server is away.
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
    this.telling.delete(uid);
  }

  /** Removes a deleted Pod once its containers have ended. */
  private async end(uid: string, running: RunningPod): Promise<void> {
    if (this.ending.has(uid)) {
      return;
    }
    this.ending.add(uid);
    await running.stop().catch(report);
    for (;;) {
      try {
        const preconditions = { uid };
        await this.client.call(
          "DELETE",
          pathOf(running.pod),
          { gracePeriodSeconds: 0, preconditions },
          "application/json",
        );
        break;
      } catch (error) {
        if (isGone(error)) {
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
    this.pods.delete(uid);
    this.reported.delete(uid);
    this.ending.delete(uid);
    this.addresses.delete(running.address);
  }

  private readonly reader: Reader = {
    data: async (kind, namespace, name) => {
      try {
        const path = `/api/v1/namespaces/${namespace}/${kind}/${name}`;
        const { data = {} } = await this.client.call<{ data?: Record<string, string> }>("GET", path);
        const encoding = kind === "secrets" ? "base64" : "utf8";
        return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, encoding)]));
      } catch (error) {
        if (isGone(error)) {
          return undefined;
        }
        throw error;
      }
    },
    token: async (
      { metadata, spec }: Pod,
      { audience, expirationSeconds }: NonNullable<Source["serviceAccountToken"]>,
    ) => {
      const path = `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${spec.serviceAccountName ?? "default"}/token`;
      const { status } = await this.client.call<{ status: { token: string } }>(
        "POST",
        path,
        {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenRequest",
          spec: {
            audiences: audience === undefined ? undefined : [audience],
            expirationSeconds,
            boundObjectRef: { apiVersion: "v1", kind: "Pod", name: metadata.name, uid: metadata.uid },
          },
        },
        "application/json",
      );
      return status.token;
    },
  };
}

function pathOf({ metadata }: Pod): string {
  return `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
}

function isGone(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 409);
}
