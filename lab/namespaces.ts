import { spawn } from "node:child_process";
import { openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { API_SERVER, CLIENT_INSIDE, CLIENT_OUTSIDE, COLLECTOR } from "./addresses";
import { endWithUs, eventually, output, run, UserError, type Result, type RunOptions } from "./processes";

/** A process; its start time (clock ticks since boot) distinguishes it from a later one with the same pid. */
export interface ProcessId {
  readonly pid: number;
  readonly startTime: string;
}

export function identify(pid: number): ProcessId {
  return { pid, startTime: statOf(pid).startTime };
}

function statOf(pid: number): { state: string; startTime: string } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name, in parentheses, may contain spaces; in proc(5) the state is field 3, the start time field 22.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startTime: fields[19] ?? "" };
}

/** Whether a process is running. If its parent is gone, an ended one stays a zombie: the lab's first process reaps none. */
export function isAlive({ pid, startTime }: ProcessId): boolean {
  try {
    const stat = statOf(pid);
    return stat.startTime === startTime && stat.state !== "Z";
  } catch {
    return false;
  }
}

/** The process that holds the namespaces; when it ends, so does every process in them. */
export interface Holder {
  readonly id: ProcessId;
  /** Lets the lab outlive this process. */
  release(): void;
}

/** Creates user, network, PID and mount namespaces: needs no privileges on the machine. */
export async function startHolder(hostsFile: string, resolvConf: string): Promise<Holder> {
  const flags = ["-r", "-n", "-m", "-p", "--fork", "--kill-child", "--mount-proc", "sleep", "infinity"];
  const outer = spawn("unshare", flags, { detached: true, stdio: "ignore" });
  if (outer.pid === undefined) {
    throw new UserError("unshare is missing: apt-get install util-linux");
  }
  const release = endWithUs(outer.pid);
  const pid = await onlyChild(outer.pid, "the lab's namespaces");
  outer.unref();
  const setUp = [
    `mount --bind '${hostsFile}' /etc/hosts`,
    `mount --bind '${resolvConf}' "$(readlink -f /etc/resolv.conf)"`,
    "ip link set lo up",
    ...[API_SERVER, COLLECTOR, CLIENT_INSIDE, CLIENT_OUTSIDE].map((address) => `ip address add ${address}/32 dev lo`),
  ].join(" && ");
  await eventually("the lab's namespaces", 5_000, () => output("nsenter", [...enter(pid), "sh", "-c", setUp]));
  return { id: identify(pid), release };
}

/** Ends the lab: every process in its PID namespace ends with it. */
export function endHolder(id: ProcessId): void {
  if (isAlive(id)) {
    process.kill(id.pid, "SIGKILL");
  }
}

/** Arguments of nsenter for the namespaces of a process. */
export function enter(pid: number, cwd?: string): string[] {
  const workingDirectory = cwd === undefined ? [] : [`--wd=${cwd}`];
  return ["--preserve-credentials", "-U", "-n", "-p", "-m", "-t", String(pid), ...workingDirectory];
}

/** Runs a program in the namespaces until it exits. */
export function runInside(pid: number, command: readonly string[], options: RunOptions = {}): Promise<Result> {
  return run("nsenter", [...enter(pid, (options.cwd as string | undefined) ?? process.cwd()), ...command], options);
}

/** Like `runInside`, for programs that must succeed. */
export async function outputInside(pid: number, command: readonly string[], options: RunOptions = {}): Promise<string> {
  return output("nsenter", [...enter(pid, (options.cwd as string | undefined) ?? process.cwd()), ...command], options);
}

export interface Daemon {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a long-running program in the namespaces. Returns its pid outside of them. */
export async function startDaemon(pid: number, daemon: Daemon): Promise<ProcessId> {
  const log = openSync(daemon.logFile, "a");
  const child = spawn("nsenter", [...enter(pid, daemon.cwd), ...daemon.command], {
    detached: true,
    stdio: ["ignore", log, log],
    env: daemon.env ?? process.env,
  });
  child.unref();
  if (child.pid === undefined) {
    throw new UserError("nsenter is missing: apt-get install util-linux");
  }
  return identify(await onlyChild(child.pid, daemon.name));
}

/** Runs something while a daemon stands still. nsenter stops with its child, and does not continue by itself. */
export async function whileStopped({ pid }: ProcessId, action: () => Promise<void>): Promise<void> {
  const [, nsenter = ""] = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  process.kill(pid, "SIGSTOP");
  try {
    await action();
  } finally {
    process.kill(Number(nsenter), "SIGCONT");
    process.kill(pid, "SIGCONT");
  }
}

/** The child that unshare or nsenter forks into a new PID namespace. */
async function onlyChild(pid: number, what: string): Promise<number> {
  return eventually(
    what,
    5_000,
    () => {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
      const child = Number(children[0]);
      return child > 0 ? Promise.resolve(child) : Promise.reject(new Error("it has not started"));
    },
    20,
  );
}

/** The live children of a process, started by any of its threads. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

/** The pid of a process of the lab as seen outside of it. @param inside One as seen inside. */
export function pidOutside(holder: number, inside: number): number {
  const lab = readlinkSync(`/proc/${holder}/ns/pid_for_children`);
  const found = readdirSync("/proc").find((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/ns/pid`) === lab && pidInside(Number(pid)) === inside;
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
  if (found === undefined) {
    throw new UserError(`the lab has no process ${inside}`);
  }
  return Number(found);
}

/** The pid of a process as seen inside its own PID namespace. */
export function pidInside(pid: number): number {
  const [, inner = ""] = /^NSpid:.*\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(inner);
}
