import type { Lab } from "../lab/lab";
import { costText, interleaved, type Cost } from "./clock";
import { contenders, type Contender, type Name } from "./contenders";
import { ratio, type Figure, type Results } from "./figure";
import { bootstrap } from "./stats";
import type { Options } from "./options";

/** `pulumi preview`, and `pulumi up` that has nothing to do, at several numbers of services. */
export async function previewAndNoOp(lab: Lab, { pairs, services, progress }: Options): Promise<Results> {
  const made: [number, Record<Name, Contender>][] = [];
  for (const count of services) {
    progress(`${count} services: first up`);
    const all = await contenders(lab, "noop", count);
    for (const contender of Object.values(all)) {
      await contender.up();
    }
    made.push([count, all]);
  }
  const measurements: Record<string, () => Promise<Cost>> = {};
  for (const [count, all] of made) {
    for (const [name, contender] of Object.entries(all)) {
      measurements[`preview ${count} ${name}`] = () => contender.preview();
      measurements[`up ${count} ${name}`] = () => contender.up();
    }
  }
  const rounds = await interleaved(pairs, measurements, progress, costText);
  return { figures: previewFigures(services, rounds), samples: { preview: rounds } };
}

/** Rounds hold a cost for each `preview|up COUNT CONTENDER`. */
export function previewFigures(services: readonly number[], rounds: readonly Record<string, Cost>[]): Figure[] {
  const cost = (round: Record<string, Cost>, name: string, key: keyof Cost) => round[name]?.[key] ?? NaN;
  const figures = services.flatMap((count) =>
    (["preview", "up"] as const).flatMap((command) =>
      (["empty", "plain", "kubectl"] as const).map((other) =>
        ratio(
          `${command === "up" ? "no-op up" : "preview"}, ${count} services, against ${againstWhat(command, other)}`,
          rounds,
          (round, key) =>
            cost(round, `${command} ${count} gateway`, key) / cost(round, `${command} ${count} ${other}`, key),
          command === "preview" && count === 10 && other === "empty" ? 1.3 : undefined,
        ),
      ),
    ),
  );
  return [...figures, ...growth(services, rounds)];
}

function againstWhat(command: "preview" | "up", other: Exclude<Name, "gateway">): string {
  return {
    empty: "an empty program",
    plain: "the same objects as plain resources",
    kubectl: `kubectl ${command === "up" ? "apply" : "diff"} --server-side`,
  }[other];
}

/** What each further service adds, from the smallest number to the largest. */
function growth(services: readonly number[], rounds: readonly Record<string, Cost>[]): Figure[] {
  const [few, many] = [Math.min(...services), Math.max(...services)];
  if (few === many) {
    return [];
  }
  return (["preview", "up"] as const).flatMap((command) =>
    (["gateway", "plain"] as const).map((name) => {
      const slope = (key: keyof Cost) =>
        bootstrap(
          rounds.map((round) => {
            const at = (count: number) => round[`${command} ${count} ${name}`]?.[key] ?? NaN;
            return (1000 * (at(many) - at(few))) / (many - few);
          }),
        );
      const what = `each further service in a ${command === "up" ? "no-op up" : "preview"}, ${name === "plain" ? "plain resources" : "this gateway"}`;
      const target = command === "preview" && name === "gateway" ? 3 : undefined;
      return { what, unit: "ms" as const, value: slope("wallSeconds"), cpu: slope("cpuSeconds"), target };
    }),
  );
}
