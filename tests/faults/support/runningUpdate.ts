import { spawn } from "node:child_process";
import { childrenOf, enter, identify, isAlive, type ProcessId } from "../../../lab/namespaces";
import { eventually, type Result } from "../../../lab/processes";
import { labEnv } from "../../../lab/stacks";
import { theLab } from "../../e2e/support/lab";

/** A step on a cluster object, key or certificate, which a kill can interrupt. */
const STEP = /^ *\S+ +(?:kubernetes|tls):\S+ \S+ (creating|created|updating|updated|deleting|deleted)/gm;

/** A `pulumi up` that runs while something happens to it. */
export interface RunningUpdate {
  readonly ended: Promise<Result>;
  said(): string;
  /** Numbers of steps that have begun and that are done. */
  steps(): { begun: number; done: number };
  /** Waits until the first object is being written or the update has ended. */
  firstStep(): Promise<void>;
  /**
   * Ends the CLI immediately with SIGKILL, and its language host, program and plugins after a grace period: none, as if
   * the machine died, or long enough for them to finish what they were doing.
   */
  kill(graceMs: number): Promise<void>;
}

export function startUpdate(stack: string, more: readonly string[] = [], env: NodeJS.ProcessEnv = {}): RunningUpdate {
  const up = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never", "--stack", stack];
  const child = spawn("nsenter", [...enter(theLab().snapshot.holder.pid, process.cwd()), ...up, ...more], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...labEnv(), ...env },
  });
  const output = { stdout: "", stderr: "", isOver: false };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const ended = new Promise<Result>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      output.isOver = true;
      resolve({ code: code ?? 1, stdout: output.stdout, stderr: output.stderr });
    });
  });
  const said = () => output.stdout + output.stderr;
  const steps = () => {
    const words = [...said().matchAll(STEP)].map(([, word = ""]) => word);
    return {
      begun: words.filter((word) => word.endsWith("ing")).length,
      done: words.filter((word) => word.endsWith("ed")).length,
    };
  };
  return {
    ended,
    said,
    steps,
    firstStep: () =>
      eventually(
        "the first step",
        300_000,
        () => (output.isOver || steps().begun > 0 ? Promise.resolve() : Promise.reject(new Error(said()))),
        10,
      ),
    kill: async (graceMs) => {
      const tree = child.pid === undefined ? [] : descendants(child.pid);
      const [cli, ...others] = tree;
      end(cli);
      await new Promise((resolve) => setTimeout(resolve, graceMs));
      others.forEach(end);
      await eventually("the killed processes to end", 120_000, () =>
        tree.some(isAlive) ? Promise.reject(new Error("some are still running")) : Promise.resolve(),
      );
      await ended;
    },
  };
}

function end(id: ProcessId | undefined): void {
  if (id !== undefined && isAlive(id)) {
    process.kill(id.pid, "SIGKILL");
  }
}

/** The descendants of a process, parents first. */
function descendants(pid: number): ProcessId[] {
  try {
    return childrenOf(pid).flatMap((child) => [identify(child), ...descendants(child)]);
  } catch {
    // It has ended in the meantime.
    return [];
  }
}
