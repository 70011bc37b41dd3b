import { readdirSync, readFileSync } from "node:fs";

/** The kernel's clock ticks per second, as user programs see them: 100 on every Linux. */
const TICKS = 100;

/** CPU time of a process with all its threads, from the contents of /proc/PID/stat (proc(5)). Unit: seconds. */
export function cpuSeconds(stat: string): number {
  // The name, in parentheses, may contain spaces; utime and stime are fields 14 and 15.
  const [utime = NaN, stime = NaN] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return (utime + stime) / TICKS;
}

/** Resident memory of a process, from the contents of /proc/PID/status. Unit: KiB. */
export function residentKiB(status: string): number {
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? NaN);
}

export function cpuOf(pid: number): number {
  return cpuSeconds(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

export function residentOf(pid: number): number {
  return residentKiB(readFileSync(`/proc/${pid}/status`, "utf8"));
}

/** The Envoy that a pilot-agent started. */
export function envoyOf(agent: number): number {
  // A child is listed under the thread that started it.
  const children = readdirSync(`/proc/${agent}/task`).flatMap(
    (thread) => readFileSync(`/proc/${agent}/task/${thread}/children`, "utf8").match(/\d+/g) ?? [],
  );
  const envoy = children.find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "envoy");
  if (envoy === undefined) {
    throw new Error(`pilot-agent ${agent} has no Envoy`);
  }
  return Number(envoy);
}
