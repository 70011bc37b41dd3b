import type { Lab } from "../lab/lab";
import { Chart, sameObjects } from "./chart";
import { costText, interleaved, type Cost } from "./clock";
import { contenders, type Name } from "./contenders";
import { growth, ratio, type Figure, type Plot, type Results } from "./figure";
import { ONE_WRITE } from "./stacks";
import { median } from "./stats";
import type { Options } from "./options";

type Command = "preview" | "up";
type Rounds = readonly Record<string, Cost>[];

/** `pulumi preview`, and `pulumi up` with nothing to do, for several numbers of services. */
export async function previewAndNoOp(lab: Lab, { pairs, services, progress }: Options): Promise<Results> {
  const measurements: Record<string, () => Promise<Cost>> = {};
  for (const count of services) {
    progress(`${count} services: first up`);
    const { all, objects } = await contenders(lab, "noop", count);
    for (const [name, contender] of Object.entries(all)) {
      const { wallSeconds } = await contender.up(ONE_WRITE);
      progress(`${count} services, ${name}: ${wallSeconds.toFixed(1)} s`);
      measurements[`preview ${count} ${name}`] = () => contender.preview();
      measurements[`up ${count} ${name}`] = () => contender.up();
    }
    const chart = Chart.make(lab, `noop-${count}`, objects);
    sameObjects(await chart.objects(count), objects);
    measurements[`preview ${count} helm`] = () => chart.time(count);
  }
  const rounds = await interleaved(pairs, measurements, progress, costText);
  return {
    figures: previewFigures(services, rounds),
    samples: { preview: rounds },
    plots: services.length > 1 ? [previewPlot(services, rounds)] : [],
  };
}

const OTHERS: Readonly<Record<Command, Readonly<Partial<Record<Exclude<Name, "gateway"> | "helm", string>>>>> = {
  preview: {
    empty: "an empty program",
    plain: "the same objects as plain resources",
    kubectl: "kubectl diff --server-side",
    helm: "helm template",
  },
  up: {
    empty: "an empty program",
    plain: "the same objects as plain resources",
    kubectl: "kubectl apply --server-side",
  },
};

const cost = (round: Record<string, Cost>, name: string, key: keyof Cost) => round[name]?.[key] ?? NaN;

/** Each round has a cost for each `preview|up COUNT CONTENDER`. */
export function previewFigures(services: readonly number[], rounds: Rounds): Figure[] {
  const figures = services.flatMap((count) =>
    (["preview", "up"] as const).flatMap((command) =>
      Object.entries(OTHERS[command]).map(([other, text]) =>
        ratio(
          `${command === "up" ? "no-op up" : "preview"}, ${count} services, against ${text}`,
          rounds,
          (round, key) =>
            cost(round, `${command} ${count} gateway`, key) / cost(round, `${command} ${count} ${other}`, key),
          command === "preview" && count === 10 && other === "empty" ? 1.3 : undefined,
        ),
      ),
    ),
  );
  return [...figures, ...furtherServices(services, rounds)];
}

/** Cost of each additional service, between the smallest and the largest number. */
function furtherServices(services: readonly number[], rounds: Rounds): Figure[] {
  const [few, many] = [Math.min(...services), Math.max(...services)];
  if (few === many) {
    return [];
  }
  return (["preview", "up"] as const).flatMap((command) =>
    (["gateway", "plain"] as const).map((name) => {
      const what = `each further service in a ${command === "up" ? "no-op up" : "preview"}, ${name === "plain" ? "plain resources" : "this gateway"}`;
      const target = command === "preview" && name === "gateway" ? 3 : undefined;
      const over = (round: Record<string, Cost>, key: keyof Cost) =>
        cost(round, `${command} ${many} ${name}`, key) - cost(round, `${command} ${few} ${name}`, key);
      return growth(what, rounds, many - few, over, target);
    }),
  );
}

function previewPlot(services: readonly number[], rounds: Rounds): Plot {
  const counts = [...services].sort((a, b) => a - b);
  const names = { gateway: "this gateway", ...OTHERS.preview };
  return {
    title: "preview",
    kind: "line",
    x: counts.map(String),
    xTitle: "services",
    yTitle: "seconds",
    series: Object.entries(names).map(([key, name]) => ({
      name,
      values: counts.map((count) =>
        median(rounds.map((round) => cost(round, `preview ${count} ${key}`, "wallSeconds"))),
      ),
    })),
  };
}
