import type { Figure, Plot, Table } from "../figure";
import { bootstrap, median, once, type Interval } from "../stats";
import type { Change } from "./changes";
import { CONTENDERS, type Measured } from "./contenders";
import type { ScaleSample } from "./sample";
import { PROBES } from "./services";

const TITLES: Readonly<Record<Measured, string>> = {
  gateway: "this gateway",
  idle: "this gateway with an idle timeout of its own for each service",
  bare: "bare Gateway API",
};

type Cost = (change: Change) => number;

const CPU: Cost = ({ istiodSeconds }) => 1000 * istiodSeconds;
const ENVOY: Cost = ({ envoySeconds }) => 1000 * envoySeconds;
const TIME: Cost = ({ seconds }) => 1000 * seconds;

export function scaleFigures(samples: readonly ScaleSample[]): Figure[] {
  const sizes = samples.map(({ services }) => services);
  const [fewest, most] = [Math.min(...sizes), Math.max(...sizes)];
  const at = (contender: Measured, services: number) =>
    samples.find((sample) => sample.contender === contender && sample.services === services);
  const [gateway, idle, bare] = [at("gateway", most), at("idle", most), at("bare", most)];
  if (gateway === undefined || idle === undefined || bare === undefined) {
    return [];
  }
  const [few, fewBare] = [at("gateway", fewest), at("bare", fewest)];
  return [
    ...changeFigures(gateway, bare, { cpu: 1.3, time: 1.2 }),
    ...changeFigures(idle, bare),
    ...[gateway, idle, bare].flatMap((sample) =>
      amounts(`a changed route among ${most}, ${TITLES[sample.contender]}`, sample.route),
    ),
    ...amounts(`a changed access list among ${most}, ${TITLES.gateway}`, gateway.access ?? []),
    ...(fewest === most || few === undefined || fewBare === undefined
      ? []
      : [...requestFigures(few, gateway), ...memoryFigures([few, gateway], [fewBare, bare])]),
  ];
}

/** A changed route, against the bare gateway. */
function changeFigures(ours: ScaleSample, bare: ScaleSample, targets?: { cpu: number; time: number }): Figure[] {
  const figure = (what: string, cost: Cost, target?: number): Figure => ({
    what: `${what} a changed route among ${ours.services}, ${TITLES[ours.contender]}, against ${TITLES.bare}`,
    unit: "×",
    value: ratio(ours.route.map(cost), bare.route.map(cost)),
    target,
  });
  return [
    figure("istiod's CPU time for", CPU, targets?.cpu),
    figure("time to the first answer of", TIME, targets?.time),
  ];
}

function amounts(what: string, changes: readonly Change[]): Figure[] {
  return changes.length === 0
    ? []
    : [
        { what: `istiod's CPU time for ${what}`, unit: "ms", value: bootstrap(changes.map(CPU)) },
        { what: `Envoy's CPU time for ${what}`, unit: "ms", value: bootstrap(changes.map(ENVOY)) },
        { what: `time to the first answer of ${what}`, unit: "ms", value: bootstrap(changes.map(TIME)) },
      ];
}

/** Both gateways at once: machines change their pace within minutes. */
function requestFigures(few: ScaleSample, { services, requests = [] }: ScaleSample): Figure[] {
  return PROBES.map((probe) => ({
    what: `Envoy's CPU time for a request to the ${probe} of ${services} services, against ${few.services}`,
    unit: "×",
    value: bootstrap(requests.map((round) => round[`many: ${probe}`] / round[`few: ${probe}`])),
    target: 1.1,
  }));
}

/** Growth between the fewest and the most services. */
function memoryFigures(ours: readonly [ScaleSample, ScaleSample], bare: readonly [ScaleSample, ScaleSample]): Figure[] {
  const each = ([few, many]: readonly [ScaleSample, ScaleSample]) =>
    (many.envoy.allocated - few.envoy.allocated) / (many.services - few.services);
  const what = "Envoy's memory for a further service, allocated";
  return [
    { what: `${what}, against ${TITLES.bare}`, unit: "×", value: once(each(ours) / each(bare)), target: 1.2 },
    { what: `${what}, ${TITLES.gateway}`, unit: "KiB", value: once(each(ours)) },
    { what: `${what}, ${TITLES.bare}`, unit: "KiB", value: once(each(bare)) },
  ];
}

/** Ratio of what was measured in the same round. */
function ratio(over: readonly number[], under: readonly number[]): Interval {
  return bootstrap(over.map((value, round) => value / (under[round] ?? NaN)));
}

export function scaleTables(samples: readonly ScaleSample[]): Table[] {
  const ofEach = (cells: (sample: ScaleSample) => readonly string[]) =>
    CONTENDERS.flatMap((contender) =>
      samples
        .filter((sample) => sample.contender === contender)
        .map((sample) => [TITLES[contender], String(sample.services), ...cells(sample)]),
    );
  return [
    {
      title: "Medians, and memory in MiB: what Envoy allocated, and what is resident of istiod.",
      columns: [
        "what",
        "services",
        "istiod's CPU per changed route",
        "Envoy's",
        "time to the answer",
        "Envoy",
        "istiod",
      ],
      rows: ofEach(({ route, envoy, istiodResident }) => [
        `${median(route.map(CPU)).toFixed(0)} ms`,
        `${median(route.map(ENVOY)).toFixed(0)} ms`,
        `${median(route.map(TIME)).toFixed(0)} ms`,
        (envoy.allocated / 1024).toFixed(1),
        (istiodResident / 1024).toFixed(0),
      ]),
    },
    {
      title: "Objects, and the largest of them as JSON.",
      columns: ["what", "services", "objects", "EnvoyFilter patches", "policies", "HTTP filters", "largest objects"],
      rows: ofEach(({ counts: { objects, patches, policies, httpFilters, largest } }) => [
        ...[objects, patches, policies, httpFilters].map(String),
        largest.map(({ name, bytes }) => `${name} ${(bytes / 1024).toFixed(1)} KiB`).join(", "),
      ]),
    },
  ];
}

export function scalePlots(samples: readonly ScaleSample[]): Plot[] {
  const sizes = [...new Set(samples.map(({ services }) => services))];
  return [
    {
      title: "istiod's CPU time for a changed route",
      kind: "line",
      x: sizes.map(String),
      xTitle: "services",
      yTitle: "ms",
      series: (["gateway", "bare"] as const).map((contender) => ({
        name: TITLES[contender],
        values: samples.filter((sample) => sample.contender === contender).map(({ route }) => median(route.map(CPU))),
      })),
    },
  ];
}
