import type { Lab } from "../lab/lab";
import { lastLine, UserError, type RunOptions } from "../lab/processes";

/** Time that a command took, including all processes that it waited for. */
export interface Cost {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

/** Times a command inside the lab. @throws UserError if it fails. */
export async function timed(lab: Lab, command: readonly string[], options: RunOptions = {}): Promise<Cost> {
  const shell = ["bash", "-c", 'TIMEFORMAT="%3R %3U %3S"; time "$@"', "bash"];
  const { code, stdout, stderr } = await lab.run([...shell, ...command], options);
  if (code !== 0) {
    throw new UserError(`${command.join(" ")} exited with ${code}:\n${stdout}\n${stderr}`);
  }
  const [wallSeconds = NaN, user = NaN, system = NaN] = lastLine(stderr).split(" ").map(Number);
  return { wallSeconds, cpuSeconds: user + system };
}

export function costText({ wallSeconds, cpuSeconds }: Cost): string {
  return `${wallSeconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s`;
}

/** Alternates measurements, starting each round with a different one, so that none gets all the quiet moments. */
export async function interleaved<K extends string, T>(
  rounds: number,
  measurements: Readonly<Record<K, () => Promise<T>>>,
  progress: (text: string) => void,
  text: (result: T) => string,
): Promise<Record<K, T>[]> {
  const names = Object.keys(measurements) as K[];
  const results: Record<K, T>[] = [];
  for (let number = 0; number < rounds; number += 1) {
    const round: Partial<Record<K, T>> = {};
    const first = number % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const result = await measurements[name]();
      progress(`${number + 1}/${rounds} ${name}: ${text(result)}`);
      round[name] = result;
    }
    results.push(round as Record<K, T>);
  }
  return results;
}
