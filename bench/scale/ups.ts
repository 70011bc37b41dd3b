import type { Lab } from "../../lab/lab";
import { eventually } from "../../lab/processes";
import { costText, timed, type Cost } from "../clock";
import type { Figure, Results, Table } from "../figure";
import { once } from "../stats";
import type { Options } from "../options";
import { gatewayEnvoy, startBackend } from "../dataPlane/proxies";
import { served } from "../dataPlane/memory";
import { ONE_WRITE, takeStack } from "../stacks";
import { ADDRESSES, applyBackends, CHANGED, GATEWAYS, hostOf, prepareContenders } from "./contenders";
import { FIRST_VALUE, scaleValues } from "./services";

/** What the program's own commands cost for many services with every policy. */
export interface Ups {
  readonly services: number;
  /** The first `up`, until Pulumi ends. */
  readonly first: Cost;
  /** A preview and an `up` of one changed response header. */
  readonly preview: Cost;
  readonly change: Cost;
  /** From the end of the first `up` until all routes are in Envoy. Unit: seconds. */
  readonly behind: number;
  /** From the start of the changing `up` to the first answer with the change. Unit: seconds. */
  readonly answered: number;
}

const CHANGED_VALUE = "v-changed";

/** Many services with every policy, deployed by the program's own commands, once. */
export async function ups(lab: Lab, { sizes, progress }: Options): Promise<Results> {
  await prepareContenders(lab);
  await startBackend(lab);
  const samples: Ups[] = [];
  for (const services of sizes) {
    samples.push(await deployed(lab, services, (text) => progress(`${services} services: ${text}`)));
  }
  return { figures: upsFigures(samples), samples: { ups: samples }, tables: [upsTable(samples)], rounds: 1 };
}

/** What each further service costs, between the fewest and the most; none with one size. */
export function upsFigures(samples: readonly Ups[]): Figure[] {
  const bySize = [...samples].sort((a, b) => a.services - b.services);
  const [few, many] = [bySize[0], bySize.at(-1)];
  if (few === undefined || many === undefined || few.services === many.services) {
    return [];
  }
  const figure = (what: string, key: "first" | "preview" | "change"): Figure => {
    const each = (cost: keyof Cost) => (1000 * (many[key][cost] - few[key][cost])) / (many.services - few.services);
    return {
      what: `each further service in ${what}`,
      unit: "ms",
      value: once(each("wallSeconds")),
      cpu: once(each("cpuSeconds")),
    };
  };
  return [figure("the first up", "first"), figure("a preview", "preview"), figure("the up of one change", "change")];
}

export function upsTable(samples: readonly Ups[]): Table {
  const seconds = (value: number) => `${value.toFixed(1)} s`;
  const cost = ({ wallSeconds, cpuSeconds }: Cost) => `${seconds(wallSeconds)} (${seconds(cpuSeconds)})`;
  return {
    title: "Wall time, and CPU time in parentheses, with `PULUMI_SKIP_CHECKPOINTS`.",
    columns: [
      "services",
      "first up",
      "all routes in Envoy after",
      "preview of a change",
      "its up",
      "first answer after",
    ],
    rows: samples.map(({ services, first, behind, preview, change, answered }) => [
      ...[String(services), cost(first), seconds(behind)],
      ...[cost(preview), cost(change), seconds(answered)],
    ]),
  };
}

/** Deploys, changes one service, and removes everything. */
async function deployed(lab: Lab, services: number, progress: (text: string) => void): Promise<Ups> {
  const stack = `${GATEWAYS.up}-${services}`;
  await applyBackends(lab, services, "up");
  const values = scaleValues({ name: GATEWAYS.up, services, address: ADDRESSES.up, hasIdleTimeouts: false });
  const pulumi = (...words: string[]) =>
    timed(lab, ["pulumi", ...words, "--stack", stack, "--non-interactive"], { env: ONE_WRITE });
  await takeStack(lab, stack, values);
  const first = await pulumi("up", "--yes", "--skip-preview");
  const ended = Date.now();
  await served(await gatewayEnvoy(lab, GATEWAYS.up), services);
  const behind = (Date.now() - ended) / 1000;
  progress(`first up: ${costText(first)}, all routes ${behind.toFixed(1)} s later`);
  await takeStack(lab, stack, { ...values, services: withChange(values.services as readonly Changeable[]) });
  const preview = await pulumi("preview");
  const started = Date.now();
  const [change, answered] = await Promise.all([pulumi("up", "--yes", "--skip-preview"), answer(lab, started)]);
  progress(`one change: preview ${costText(preview)}, up ${costText(change)}, answered after ${answered.toFixed(1)} s`);
  await pulumi("destroy", "--yes", "--skip-preview");
  return { services, first, preview, change, behind, answered };
}

interface Changeable {
  readonly responseHeaders: { readonly set: Readonly<Record<string, string>> };
}

function withChange(services: readonly Changeable[]): readonly Changeable[] {
  return services.map((service, index) =>
    index === CHANGED
      ? (JSON.parse(JSON.stringify(service).replace(FIRST_VALUE, CHANGED_VALUE)) as Changeable)
      : service,
  );
}

/** Seconds until the changed service answers with its new header. */
function answer(lab: Lab, started: number): Promise<number> {
  const host = hostOf("up", CHANGED);
  const request = ["curl", "-sk", "-o", "/dev/null", "-D", "-", "--resolve", `${host}:443:${ADDRESSES.up}`];
  return eventually(
    "the change",
    1_200_000,
    async () => {
      const headers = await lab.output([...request, `https://${host}/shop`]);
      if (!headers.includes(CHANGED_VALUE)) {
        throw new Error(headers);
      }
      return (Date.now() - started) / 1000;
    },
    200,
  );
}
