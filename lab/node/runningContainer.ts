import type { ChildProcess } from "node:child_process";
import { endAll, startContainer, type ContainerRun } from "./container";
import type { Container } from "./objects";
import { handle, Prober, type Target } from "./probes";

/** Pause before a container that exited is restarted, doubled each time. Unit: milliseconds. */
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 8_000;
const HOOK_TIMEOUT_SECONDS = 30;

/** One container of a Pod: started again whenever it exits, probed, and ended within the Pod's grace period. */
export class RunningContainer implements Target {
  private process: ChildProcess | undefined;
  private probers: Prober[] = [];
  private startedAt: string | undefined;
  private restarts = 0;
  private problem: string | undefined;
  /** Its startup probe has succeeded. */
  started = false;
  /** It serves; of an init container: it has succeeded. */
  ready = false;
  private stopping = false;
  private exited = false;

  constructor(
    readonly container: Container,
    readonly address: string,
    private readonly resolve: (container: Container) => Promise<ContainerRun>,
    private readonly network: number,
    private readonly changed: () => void,
  ) {}

  pid(): number | undefined {
    return this.process?.pid;
  }

  /** Runs an init container until it succeeds. */
  async complete(): Promise<void> {
    if (await this.repeat((code) => code === 0)) {
      this.exited = true;
      this.ready = true;
      this.changed();
    }
  }

  /** Starts the container, and starts it again whenever it exits. */
  async keep(): Promise<void> {
    await this.repeat(() => false);
  }

  /** Whether it was done before the Pod's end. */
  private async repeat(isDone: (code: number) => boolean): Promise<boolean> {
    for (let backoff = FIRST_BACKOFF_MS; !this.stopping; backoff = Math.min(backoff * 2, MAX_BACKOFF_MS)) {
      if (isDone(await this.once())) {
        return true;
      }
      await pause(backoff);
    }
    return false;
  }

  private async once(): Promise<number> {
    let code = -1;
    try {
      const run = await this.resolve(this.container);
      if (this.stopping) {
        return code;
      }
      const child = startContainer(this.network, run);
      this.process = child;
      this.startedAt = now();
      this.problem = undefined;
      this.probe();
      if (this.container.lifecycle?.postStart !== undefined) {
        void handle(this, this.container.lifecycle.postStart, HOOK_TIMEOUT_SECONDS);
      }
      this.changed();
      code = await new Promise<number>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (exit) => resolve(exit ?? 137));
      });
      this.problem = `it exited with ${code}`;
      this.restarts += 1;
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    }
    this.stopProbes();
    this.process = undefined;
    this.started = false;
    this.ready = false;
    this.changed();
    return code;
  }

  /** The readiness and liveness probes start once the startup probe has succeeded. */
  private probe(): void {
    const { startupProbe } = this.container;
    if (startupProbe === undefined) {
      this.begin();
      return;
    }
    const prober = new Prober(this, startupProbe, (succeeds) => {
      prober.stop();
      if (succeeds) {
        this.begin();
      } else {
        this.end("its startup probe fails");
      }
      this.changed();
    });
    this.probers = [prober];
  }

  private begin(): void {
    const { readinessProbe, livenessProbe } = this.container;
    this.started = true;
    this.ready = readinessProbe === undefined;
    this.probers = [];
    if (readinessProbe !== undefined) {
      const become = (ready: boolean) => {
        this.ready = ready;
        this.changed();
      };
      this.probers.push(new Prober(this, readinessProbe, become));
    }
    if (livenessProbe !== undefined) {
      this.probers.push(
        new Prober(this, livenessProbe, (alive) => {
          if (!alive) {
            this.end("its liveness probe fails");
          }
        }),
      );
    }
  }

  /** Ends the program; it is started again. */
  private end(problem: string): void {
    console.error(`${this.container.name}: ${problem}`);
    this.process?.kill("SIGTERM");
  }

  private stopProbes(): void {
    this.probers.forEach((prober) => prober.stop());
    this.probers = [];
  }

  /** Runs the preStop hook, then ends the program, at last by force. */
  async stop(graceSeconds: number): Promise<void> {
    this.stopping = true;
    const { process } = this;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) {
      return;
    }
    const closed = new Promise<void>((resolve) => process.once("close", () => resolve()));
    const timer = setTimeout(() => endAll(process), graceSeconds * 1000);
    const { preStop } = this.container.lifecycle ?? {};
    if (preStop !== undefined) {
      await handle(this, preStop, graceSeconds);
    }
    process.kill("SIGTERM");
    await closed;
    clearTimeout(timer);
  }

  /** Its containerStatus. The pid in containerID is the one inside the lab. */
  status(): Record<string, unknown> {
    const { container, process, startedAt, restarts, problem } = this;
    const waiting = { reason: restarts > 0 ? "CrashLoopBackOff" : "ContainerCreating", message: problem };
    const state = this.exited
      ? { terminated: { exitCode: 0, reason: "Completed" } }
      : process === undefined
        ? { waiting }
        : { running: { startedAt } };
    return {
      name: container.name,
      image: container.image,
      imageID: "",
      containerID: process?.pid === undefined ? "" : `lab://${process.pid}`,
      restartCount: this.exited ? 0 : restarts,
      ready: this.ready,
      started: this.started,
      state,
    };
  }
}

export function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
