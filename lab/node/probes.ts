import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { executeIn } from "./container";
import type { Container, Handler, Probe } from "./objects";

/** A container that is probed. */
export interface Target {
  readonly container: Container;
  readonly address: string;
  /** Its process; undefined while it is not running. */
  pid(): number | undefined;
}

/** Kubernetes' defaults. https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/ */
const DEFAULTS = {
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  failureThreshold: 3,
  successThreshold: 1,
};

/** Probes a container until stopped, and reports each change of the result. */
export class Prober {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private inRow = 0;
  private last: boolean | undefined;

  constructor(
    private readonly target: Target,
    private readonly probe: Probe,
    private readonly report: (succeeds: boolean) => void,
  ) {
    this.next(this.settings.initialDelaySeconds);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private get settings() {
    return { ...DEFAULTS, ...this.probe };
  }

  private next(seconds: number): void {
    this.timer = setTimeout(() => void this.ask(), seconds * 1000);
  }

  private async ask(): Promise<void> {
    const { timeoutSeconds, periodSeconds, failureThreshold, successThreshold } = this.settings;
    const succeeds = await handle(this.target, this.probe, timeoutSeconds);
    if (this.stopped) {
      return;
    }
    this.inRow = succeeds === this.last ? this.inRow + 1 : 1;
    this.last = succeeds;
    if (this.inRow === (succeeds ? successThreshold : failureThreshold)) {
      this.report(succeeds);
    }
    this.next(periodSeconds);
  }
}

/** Runs a probe's or a hook's action once. */
export async function handle(target: Target, handler: Handler, timeoutSeconds: number): Promise<boolean> {
  const { container, address } = target;
  const number = (port: number | string) =>
    typeof port === "number" ? port : (container.ports?.find(({ name }) => name === port)?.containerPort ?? 0);
  const timeout = timeoutSeconds * 1000;
  if (handler.httpGet !== undefined) {
    const { path = "/", port, scheme = "HTTP" } = handler.httpGet;
    return httpAnswers(`${scheme.toLowerCase()}://${address}:${number(port)}${path}`, timeout);
  }
  if (handler.tcpSocket !== undefined) {
    return tcpAnswers(address, number(handler.tcpSocket.port), timeout);
  }
  if (handler.exec !== undefined) {
    const pid = target.pid();
    return pid !== undefined && (await executeIn(pid, handler.exec.command ?? [], timeoutSeconds)) === 0;
  }
  if (handler.sleep !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, (handler.sleep?.seconds ?? 0) * 1000));
    return true;
  }
  throw new Error(`the lab's nodes do not support ${JSON.stringify(handler)}`);
}

function httpAnswers(url: string, timeout: number): Promise<boolean> {
  const request = url.startsWith("https:") ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const call = request(url, { timeout, agent: false, rejectUnauthorized: false }, (response) => {
      response.resume();
      const { statusCode = 500 } = response;
      resolve(statusCode >= 200 && statusCode < 400);
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => resolve(false));
    call.end();
  });
}

function tcpAnswers(host: string, port: number, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on("connect", () => end(true)).on("timeout", () => end(false));
    socket.on("error", () => end(false));
  });
}
