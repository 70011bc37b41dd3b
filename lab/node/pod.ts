import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { CLUSTER_DNS } from "../addresses";
import { environment, expanded, type Placement } from "./environment";
import type { ContainerRun } from "./container";
import { commandOf, imageOf, type Programs } from "./images";
import { startPodNetwork, type PodNetwork } from "./network";
import type { Container, Pod } from "./objects";
import { now, RunningContainer } from "./runningContainer";
import type { Reader } from "./reader";
import { filesOf, writeVolume } from "./volumes";

/** Kubernetes' default. Unit: seconds. */
const GRACE_SECONDS = 30;

/** What the node gives to a Pod. */
export interface NodeArgs {
  readonly programs: Programs;
  readonly folder: string;
  /** /etc/hosts of each container. */
  readonly hostsFile: string;
  readonly logsFolder: string;
  readonly read: Reader;
  readonly nodeAddress: string;
  /** A process in the node's network namespace. */
  readonly network: number;
}

/** One Pod: its network, its volumes, and the programs of its containers. */
export class RunningPod {
  private readonly startTime = now();
  private readonly transitions = new Map<string, { status: string; since: string }>();
  private network: PodNetwork | undefined;
  private inits: RunningContainer[] = [];
  private containers: RunningContainer[] = [];
  private initialized = false;
  private stopping = false;

  constructor(
    public pod: Pod,
    readonly address: string,
    private readonly link: string,
    private readonly args: NodeArgs,
    private readonly changed: () => void,
  ) {}

  async start(): Promise<void> {
    const network = await startPodNetwork(this.args.network, this.link, this.address);
    this.network = network;
    if (this.stopping) {
      network.end();
      return;
    }
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const resolve = (container: Container) => this.resolve(container);
    const running = (container: Container) =>
      new RunningContainer(container, this.address, resolve, network.pid, this.changed);
    this.inits = (this.pod.spec.initContainers ?? []).map(running);
    this.containers = this.pod.spec.containers.map(running);
    this.changed();
    for (const init of this.inits) {
      // One that is restarted always is a sidecar, which runs beside the containers.
      // https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
      if (init.container.restartPolicy === "Always") {
        void init.keep();
        await this.until(() => init.started);
      } else {
        await init.complete();
      }
    }
    this.initialized = true;
    for (const container of this.containers) {
      void container.keep();
    }
    this.changed();
  }

  private async until(met: () => boolean): Promise<void> {
    while (!met() && !this.stopping) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  private get folder(): string {
    return join(this.args.folder, this.pod.metadata.uid);
  }

  private get placement(): Placement {
    return { podAddress: this.address, nodeAddress: this.args.nodeAddress };
  }

  private async resolve(container: Container): Promise<ContainerRun> {
    const { metadata } = this.pod;
    const { args } = this;
    const image = imageOf(container.image, args.programs);
    const missing = Object.values(image.files).find((file) => !existsSync(file));
    if (missing !== undefined) {
      throw new Error(`the image ${container.image} needs ${missing}, which is not built`);
    }
    const env = await environment(this.pod, container, this.placement, args.read);
    const mounts: Record<string, string> = {};
    for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
      if (subPath !== undefined) {
        throw new Error(`the lab's nodes do not support subPath, as in ${name}`);
      }
      mounts[mountPath] = await this.volume(name);
    }
    return {
      image,
      command: [...commandOf(image, container.command), ...(container.args ?? [])].map((word) => expanded(word, env)),
      env,
      mounts,
      readOnly: container.securityContext?.readOnlyRootFilesystem === true,
      root: join(this.folder, "root", container.name),
      etc: {
        hosts: args.hostsFile,
        "resolv.conf": this.resolvConf(),
        "ssl/certs/ca-certificates.crt": this.certificateAuthorities(),
      },
      logFile: join(args.logsFolder, podLog(metadata, container.name)),
    };
  }

  /** Those that browsers trust, which Istio's image has too. Without any, Istio's agent sends Envoy none to check by. */
  private certificateAuthorities(): string {
    const path = join(this.folder, "ca-certificates.crt");
    writeFileSync(path, `${rootCertificates.join("\n")}\n`);
    return path;
  }

  /** https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/ */
  private resolvConf(): string {
    const path = join(this.folder, "resolv.conf");
    const search = [`${this.pod.metadata.namespace}.svc.cluster.local`, "svc.cluster.local", "cluster.local"];
    writeFileSync(path, `search ${search.join(" ")}\nnameserver ${CLUSTER_DNS}\noptions ndots:5\n`);
    return path;
  }

  /** Writes a volume, once for all containers. */
  private async volume(name: string): Promise<string> {
    const folder = join(this.folder, "volumes", name);
    const volume = this.pod.spec.volumes?.find((candidate) => candidate.name === name);
    if (volume === undefined) {
      throw new Error(`there is no volume ${name}`);
    }
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    const files = await filesOf(this.pod, volume, this.args.read);
    return files === undefined ? folder : writeVolume(folder, files);
  }

  /** Writes the volumes again: what they come from may have changed, and tokens expire. */
  async refresh(): Promise<void> {
    for (const { name, emptyDir } of this.pod.spec.volumes ?? []) {
      if (emptyDir === undefined && this.initialized && !this.stopping) {
        await this.volume(name);
      }
    }
  }

  /** Ends every container within the grace period, and removes the network. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.changed();
    const { spec, metadata } = this.pod;
    const grace = metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? GRACE_SECONDS;
    await Promise.all(this.containers.map((container) => container.stop(grace)));
    await Promise.all(this.inits.map((container) => container.stop(grace)));
    this.network?.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Names of its containers' logs. */
  logs(): string[] {
    return [...this.inits, ...this.containers].map(({ container }) => podLog(this.pod.metadata, container.name));
  }

  status(): Record<string, unknown> {
    const all = [...this.inits, ...this.containers];
    const ready = this.initialized && all.every((container) => container.ready);
    const running = this.initialized && this.containers.some((container) => container.pid() !== undefined);
    return {
      phase: running || (this.initialized && this.containers.length > 0) ? "Running" : "Pending",
      hostIP: this.args.nodeAddress,
      hostIPs: [{ ip: this.args.nodeAddress }],
      podIP: this.address,
      podIPs: [{ ip: this.address }],
      startTime: this.startTime,
      conditions: [
        this.condition("PodScheduled", true),
        this.condition("Initialized", this.initialized),
        this.condition("ContainersReady", ready),
        this.condition("Ready", ready),
      ],
      initContainerStatuses: this.inits.map((container) => container.status()),
      containerStatuses: this.containers.map((container) => container.status()),
    };
  }

  private condition(type: string, met: boolean) {
    const status = met ? "True" : "False";
    const last = this.transitions.get(type);
    const since = last?.status === status ? last.since : now();
    this.transitions.set(type, { status, since });
    return { type, status, lastTransitionTime: since };
  }
}

/** Name of a container's log file. */
export function podLog({ namespace, name }: { namespace: string; name: string }, container: string): string {
  return `pod-${namespace}-${name}-${container}.log`;
}
