import { execFile, type ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { podAddress } from "../addresses";
import { startContainer, startNetwork, type ContainerRun } from "./container";
import { programOf } from "./images";
import type { Container, Pod, Probe } from "./objects";
import { environment, volumeFolder, type ReadObject } from "./volumes";

/** Pause before a container that exited is restarted, doubled each time. Unit: milliseconds. */
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 8_000;
const PROBE_TIMEOUT_MS = 1_000;

/** What the node gives to a Pod. */
export interface NodeArgs {
  readonly programs: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly hostsFile: string;
  readonly logsFolder: string;
  readonly read: ReadObject;
}

interface Running {
  readonly container: Container;
  process?: ChildProcess;
  startedAt?: string;
  restarts: number;
  ready: boolean;
  problem?: string;
}

const execute = promisify(execFile);

/** One Pod: its network, and the programs of its containers. */
export class RunningPod {
  readonly address: string;
  private readonly containers: Running[];
  private readonly startTime = now();
  private network: { pid: number; end(): void } | undefined;
  private stopping = false;

  constructor(
    readonly pod: Pod,
    private readonly number: number,
    private readonly args: NodeArgs,
  ) {
    this.address = podAddress(number);
    this.containers = pod.spec.containers.map((container) => ({ container, restarts: 0, ready: false }));
  }

  async start(): Promise<void> {
    this.network = await startNetwork(this.number, this.address, async (script) => {
      await execute("sh", ["-ec", script]);
    });
    for (const running of this.containers) {
      void this.keep(running, this.network.pid);
    }
  }

  /** Starts a container, and restarts it whenever it exits. */
  private async keep(running: Running, network: number): Promise<void> {
    for (let backoff = FIRST_BACKOFF_MS; !this.stopping; backoff = Math.min(backoff * 2, MAX_BACKOFF_MS)) {
      try {
        const run = await this.resolve(running.container);
        const child = startContainer(network, run);
        Object.assign(running, { process: child, startedAt: now(), problem: undefined });
        const code = await new Promise<number>((resolve) => child.on("close", (exit) => resolve(exit ?? 137)));
        running.problem = `it exited with ${code}`;
        running.restarts += 1;
      } catch (error) {
        running.problem = error instanceof Error ? error.message : String(error);
      }
      Object.assign(running, { process: undefined, ready: false });
      await new Promise((resolve) => setTimeout(resolve, backoff));
    }
  }

  private async resolve(container: Container): Promise<ContainerRun> {
    const { metadata, spec } = this.pod;
    const { args, address } = this;
    const folder = join(args.folder, metadata.uid);
    const mounts: Record<string, string> = {};
    for (const { name, mountPath } of container.volumeMounts ?? []) {
      const volume = spec.volumes?.find((candidate) => candidate.name === name);
      mounts[mountPath] = await volumeFolder(join(folder, "volumes", name), metadata.namespace, volume, args.read);
    }
    return {
      program: programOf(container.image, args.programs),
      args: [...(container.command ?? []).slice(1), ...(container.args ?? [])],
      env: await environment(this.pod, container, address, args.read),
      mounts,
      readOnly: container.securityContext?.readOnlyRootFilesystem === true,
      root: join(folder, "root", container.name),
      hostsFile: args.hostsFile,
      logFile: join(args.logsFolder, `pod-${metadata.namespace}-${metadata.name}-${container.name}.log`),
    };
  }

  /** Runs the readiness probes. A container without one is ready while it runs. */
  async probe(): Promise<void> {
    await Promise.all(
      this.containers.map(async (running) => {
        const { container, process } = running;
        running.ready = process !== undefined && (await this.answers(container, container.readinessProbe));
      }),
    );
  }

  private answers(container: Container, probe: Probe | undefined): Promise<boolean> {
    const number = (port: number | string) =>
      typeof port === "number" ? port : (container.ports?.find(({ name }) => name === port)?.containerPort ?? 0);
    if (probe?.httpGet !== undefined) {
      const { path = "/", port } = probe.httpGet;
      return httpAnswers(this.address, number(port), path);
    }
    return probe?.tcpSocket === undefined
      ? Promise.resolve(true)
      : tcpAnswers(this.address, number(probe.tcpSocket.port));
  }

  /** Ends every container within the grace period, and removes the network. */
  async stop(graceSeconds: number): Promise<void> {
    this.stopping = true;
    const ends = this.containers.flatMap(({ process }) =>
      process === undefined || process.exitCode !== null || process.signalCode !== null
        ? []
        : [new Promise<void>((resolve) => process.once("close", () => resolve()))],
    );
    const signal = (name: NodeJS.Signals) => this.containers.forEach(({ process }) => process?.kill(name));
    signal("SIGTERM");
    const timer = setTimeout(() => signal("SIGKILL"), graceSeconds * 1000);
    await Promise.all(ends);
    clearTimeout(timer);
    this.network?.end();
    rmSync(join(this.args.folder, this.pod.metadata.uid), { recursive: true, force: true });
  }

  /** The Pod's status. The pid in containerID is the one inside the lab. */
  status(): Record<string, unknown> {
    const isReady = this.containers.every(({ ready }) => ready);
    const condition = (type: string, met: boolean) => ({ type, status: met ? "True" : "False" });
    return {
      phase: this.containers.some(({ startedAt }) => startedAt !== undefined) ? "Running" : "Pending",
      hostIP: "10.1.0.1",
      podIP: this.address,
      podIPs: [{ ip: this.address }],
      startTime: this.startTime,
      conditions: [
        condition("PodScheduled", true),
        condition("Initialized", true),
        condition("ContainersReady", isReady),
        condition("Ready", isReady),
      ],
      containerStatuses: this.containers.map(({ container, process, startedAt, restarts, ready, problem }) => ({
        name: container.name,
        image: container.image,
        imageID: "",
        containerID: process?.pid === undefined ? "" : `lab://${process.pid}`,
        restartCount: restarts,
        ready,
        started: process !== undefined,
        state:
          process === undefined
            ? { waiting: { reason: restarts > 0 ? "CrashLoopBackOff" : "ContainerCreating", message: problem } }
            : { running: { startedAt } },
      })),
    };
  }
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}

function httpAnswers(host: string, port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ host, port, path, timeout: PROBE_TIMEOUT_MS, agent: false }, (response) => {
      response.resume();
      resolve((response.statusCode ?? 500) < 400);
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => resolve(false));
    call.end();
  });
}

function tcpAnswers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PROBE_TIMEOUT_MS });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on("connect", () => end(true)).on("timeout", () => end(false));
    socket.on("error", () => end(false));
  });
}
