import { spawn, type SpawnOptions } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";

/** A failure that the user can fix: shown as one line, without a stack trace. */
export class UserError extends Error {}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions extends Pick<SpawnOptions, "cwd" | "env"> {
  readonly input?: string;
  /** Unit: milliseconds. Default: no limit. */
  readonly timeoutMs?: number;
}

/** Process groups that must not outlive this process. */
const running = new Set<number>();
let guarded = false;
/** Number of programs attached to this terminal: they handle its signals. */
let attached = 0;

/** On interruption, ends everything this process started, so that Ctrl-C leaves nothing running. */
function guard(): void {
  if (guarded) {
    return;
  }
  guarded = true;
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.on(signal, () => {
      if (attached === 0) {
        endAll();
        process.exit(code);
      }
    });
  }
  process.once("exit", endAll);
}

function endAll(): void {
  for (const pid of running) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Gone already.
    }
  }
}

/** Ends a process group with this process, until released: for a lab that is still starting. */
export function endWithUs(pid: number): () => void {
  guard();
  running.add(pid);
  return () => void running.delete(pid);
}

/** Runs a program in its own process group until it exits, and returns its output. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  guard();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    const { pid } = child;
    if (pid !== undefined) {
      running.add(pid);
    }
    const timer =
      options.timeoutMs === undefined || pid === undefined
        ? undefined
        : setTimeout(() => process.kill(-pid, "SIGKILL"), options.timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    child.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(new UserError(error.code === "ENOENT" ? `${command} is not installed` : `${command}: ${error.message}`));
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      if (pid !== undefined) {
        running.delete(pid);
      }
      resolve({ code: code ?? 1, ...output });
    });
    child.stdin.on("error", () => undefined).end(options.input ?? "");
  });
}

/** Runs a program attached to this terminal, signals included. Returns its exit code. */
export async function attach(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd?: string,
): Promise<number> {
  guard();
  attached += 1;
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(command, args, { stdio: "inherit", env, cwd });
      child.on("error", reject);
      child.on("close", (code) => resolve(code ?? 1));
    });
  } finally {
    attached -= 1;
  }
}

/** Like `run`, for programs that must succeed: returns the output, or fails with the program's last line. */
export async function output(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, options);
  if (code !== 0) {
    const last = lastLine(stderr) || lastLine(stdout) || `exit code ${code}`;
    throw new UserError(`${command.split("/").at(-1) ?? command} ${args[0] ?? ""} failed: ${last}`);
  }
  return stdout;
}

/** Writes an executable with one line of shell. */
export function script(path: string, line: string): void {
  // In one step: the script of before may be running.
  writeFileSync(`${path}.new`, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  renameSync(`${path}.new`, path);
}

export function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.trim() ?? "";
}

/** Retries until it succeeds. @throws UserError with what was waited for and the last failure. */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  attempt: () => Promise<T>,
  pauseMs = 100,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new UserError(`timed out after ${timeoutMs / 1000} s waiting for ${what}: ${reason}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** Runs a command's main function; an error becomes one line and exit code 1. */
export function main(body: () => Promise<number>): void {
  body().then(
    (code) => process.exit(code),
    (error: unknown) => {
      console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
      if (!(error instanceof UserError) && process.env.DEBUG !== undefined && error instanceof Error) {
        console.error(error.stack);
      }
      process.exit(1);
    },
  );
}
