import type { Lab } from "../lab/lab";
import { costText, interleaved, type Cost } from "./clock";
import { contenders, type Contender, type Name } from "./contenders";
import { ratio, type Figure, type Results } from "./figure";
import type { Options } from "./options";

/** Number of services in the stack that is created, changed and removed. */
const SERVICES = 10;

/** The first `up` of a stack, minus the time of an empty one, against kubectl; and the `up` of one change. */
export async function updates(lab: Lab, { pairs, progress }: Options): Promise<Results> {
  const { all } = await contenders(lab, "update", SERVICES);
  const first = await interleaved(pairs, each(all, firstUp), progress, costText);
  for (const contender of Object.values(all)) {
    await contender.up();
  }
  let timeout = 3;
  const changes = await interleaved(
    pairs,
    each(all, async (contender) => {
      timeout += 1;
      await contender.change(timeout);
      return contender.up();
    }),
    progress,
    costText,
  );
  return { figures: updateFigures(first, changes), samples: { first, changes } };
}

/** Each round has a cost for each contender: of a first `up`, and of the `up` of one change. */
function updateFigures(first: readonly Record<Name, Cost>[], changes: readonly Record<Name, Cost>[]): Figure[] {
  const less = (round: Record<Name, Cost>, key: keyof Cost, name: Name) => round[name][key] - round.empty[key];
  const more = `, less an empty one's, ${SERVICES} services, against`;
  const kubectl = "kubectl apply --server-side";
  return [
    ratio(`first up${more} ${kubectl}`, first, (r, key) => less(r, key, "gateway") / r.kubectl[key], 3),
    ratio(`first up of plain resources${more} ${kubectl}`, first, (r, key) => less(r, key, "plain") / r.kubectl[key]),
    ratio(
      `first up, ${SERVICES} services, against the same objects as plain resources`,
      first,
      (r, key) => r.gateway[key] / r.plain[key],
    ),
    ratio(
      `up of one change, ${SERVICES} services, against an empty program`,
      changes,
      (r, key) => r.gateway[key] / r.empty[key],
    ),
    ratio(
      `up of one change, ${SERVICES} services, against the same objects as plain resources`,
      changes,
      (r, key) => r.gateway[key] / r.plain[key],
    ),
    ratio(
      `up of one change, ${SERVICES} services, against ${kubectl}`,
      changes,
      (r, key) => r.gateway[key] / r.kubectl[key],
    ),
  ];
}

/** Times an `up` to a cluster without any of the stack's objects, and cleans up. @param env As for {@link Contender.up}. */
export async function firstUp(contender: Contender, env?: NodeJS.ProcessEnv): Promise<Cost> {
  const cost = await contender.up(env);
  await contender.destroy();
  return cost;
}

function each(
  all: Record<Name, Contender>,
  measure: (contender: Contender) => Promise<Cost>,
): Record<Name, () => Promise<Cost>> {
  const { gateway, empty, plain, kubectl } = all;
  return {
    gateway: () => measure(gateway),
    empty: () => measure(empty),
    plain: () => measure(plain),
    kubectl: () => measure(kubectl),
  };
}
