import type { Lab } from "../lab/lab";
import { lastLine, UserError, type RunOptions } from "../lab/processes";

/** What a command took, with all processes that it waited for. */
export interface Cost {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

/** Runs a command inside the lab and takes its time. @throws UserError where it fails. */
export async function timed(lab: Lab, command: readonly string[], options: RunOptions = {}): Promise<Cost> {
  const shell = ["bash", "-c", 'TIMEFORMAT="%3R %3U %3S"; time "$@"', "bash"];
  const { code, stdout, stderr } = await lab.run([...shell, ...command], options);
  if (code !== 0) {
    throw new UserError(`${command.join(" ")} ended with ${code}:\n${stdout}\n${stderr}`);
  }
  const [wallSeconds = NaN, user = NaN, system = NaN] = lastLine(stderr).split(" ").map(Number);
  return { wallSeconds, cpuSeconds: user + system };
}

/** Runs measurements by turns, and another one first in each round, so that none has the quiet moments to itself. */
export async function interleaved<K extends string>(
  rounds: number,
  measurements: Readonly<Record<K, () => Promise<Cost>>>,
  progress: (text: string) => void,
): Promise<Record<K, Cost>[]> {
  const names = Object.keys(measurements) as K[];
  const results: Record<K, Cost>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const costs: Partial<Record<K, Cost>> = {};
    const first = round % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const cost = await measurements[name]();
      progress(`${round + 1}/${rounds} ${name}: ${cost.wallSeconds.toFixed(2)} s, CPU ${cost.cpuSeconds.toFixed(2)} s`);
      costs[name] = cost;
    }
    results.push(costs as Record<K, Cost>);
  }
  return results;
}
