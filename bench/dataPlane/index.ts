import type { Lab } from "../../lab/lab";
import { eventually } from "../../lab/processes";
import { interleaved } from "../clock";
import type { Figure, Plot, Results } from "../figure";
import type { Options } from "../options";
import { stackFile } from "../stacks";
import { bootstrap, median } from "../stats";
import { certificateFiles, copyOfCertificate } from "./certificate";
import { attack, Disturbed } from "./load";
import { CANARY, NAMESPACE, POLICIES, policyValues, PORT, REQUEST_HEADERS, SERVICE } from "./policies";
import { cpuOf } from "./processes";
import {
  addHost,
  apply,
  BACKEND,
  bareGateway,
  bareRoute,
  gatewayEnvoy,
  startBackend,
  startStatic,
  useBackend,
} from "./proxies";
import { sameJob } from "./sameJob";
import { policiesBootstrap } from "./staticEnvoy";

const ADDRESSES = { policies: "192.168.51.231", bare: "192.168.51.232", static: "192.168.51.233" } as const;
const BARE = "bare";
const STATIC = "static";

/** Well below what two cores can handle, load generator included: latencies do not include queueing. */
const RATE = 500;
const SECONDS = 6;
const WARM_UP_SECONDS = 2;

export type Contender = "policies" | "bare" | "static" | "direct";

export interface Sample {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of Envoy for 1,000 requests. Unit: milliseconds. Undefined without an Envoy. */
  readonly cpuMs?: number;
}

/** Latency and Envoy's CPU time at a constant rate: with every policy, with none, configured by hand, and without a proxy. */
export async function dataPlane(lab: Lab, { pairs, progress }: Options): Promise<Results> {
  progress("data plane: gateways, static Envoy, backend");
  const envoys = await startContenders(lab);
  const load = (name: Contender, seconds: number) =>
    attack(lab, {
      url:
        name === "direct" ? `http://${BACKEND.address}:${BACKEND.port}/` : `https://${SERVICE}.${name}.test/shop?q=1`,
      headers: REQUEST_HEADERS,
      rate: RATE,
      seconds,
    });
  const once = async (name: Contender): Promise<Sample> => {
    const pid = name === "direct" ? undefined : envoys[name];
    const before = pid === undefined ? NaN : cpuOf(pid);
    const { requests, p50Ms, p99Ms } = await load(name, SECONDS);
    const cpuMs = pid === undefined ? undefined : ((cpuOf(pid) - before) * 1e6) / requests;
    return { p50Ms, p99Ms, cpuMs };
  };
  const measure = (name: Contender) => again(() => once(name), progress);
  const measurements = {
    policies: () => measure("policies"),
    bare: () => measure("bare"),
    static: () => measure("static"),
    direct: () => measure("direct"),
  };
  for (const name of Object.keys(measurements)) {
    await again(() => load(name as Contender, WARM_UP_SECONDS), progress);
  }
  const rounds = await interleaved(pairs, measurements, progress, sampleText);
  return { figures: dataPlaneFigures(rounds), samples: { dataplane: rounds }, plots: dataPlanePlots(rounds) };
}

const TRIES = 5;

/** Retries if another process disturbed the load; a broken proxy fails every time. */
export async function again<T>(attempt: () => Promise<T>, progress: (text: string) => void): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Disturbed) || tries === TRIES) {
        throw error;
      }
      progress(`retrying: ${error.message}`);
    }
  }
}

function sampleText({ p99Ms, cpuMs }: Sample): string {
  return `p99 ${p99Ms.toFixed(2)} ms${cpuMs === undefined ? "" : `, CPU ${cpuMs.toFixed(0)} ms per 1,000 requests`}`;
}

/** Starts the contenders. Returns the pids of the Envoys. */
async function startContenders(lab: Lab): Promise<Record<Exclude<Contender, "direct">, number>> {
  await lab.prepare(POLICIES, stackFile(POLICIES, policyValues(ADDRESSES.policies)));
  // This stack is never deployed: it only provides the proxy for a Gateway that is created by hand.
  const bare = { name: BARE, namespace: `${BARE}-system`, address: ADDRESSES.bare };
  const services = [{ name: SERVICE, namespace: NAMESPACE, port: PORT }];
  await lab.prepare(BARE, stackFile(BARE, { domain: `${BARE}.test`, gateway: bare, services }));
  await startBackend(lab);
  await useBackend(
    lab,
    [SERVICE, CANARY].map((name) => ({ name, namespace: NAMESPACE })),
  );
  await lab.output(["pulumi", "up", "--yes", "--skip-preview", "--stack", POLICIES, "--non-interactive"]);

  const secret = { name: `${POLICIES}--wildcard-${POLICIES}-test-tls`, namespace: `${POLICIES}-system` };
  await apply(lab, [
    await copyOfCertificate(lab, secret, { name: secret.name, namespace: bare.namespace }),
    bareGateway(BARE, ADDRESSES.bare, secret.name),
    bareRoute(BARE, { name: SERVICE, namespace: NAMESPACE }),
  ]);
  const files = await certificateFiles(lab, secret);
  const config = policiesBootstrap({ domain: `${STATIC}.test`, backend: BACKEND, ...files });
  const pid = await startStatic(lab, STATIC, ADDRESSES.static, config);
  addHost(`${SERVICE}.${STATIC}.test`, ADDRESSES.static);
  await eventually("the contenders", 60_000, () => sameJob(lab), 1000);
  return { policies: await gatewayEnvoy(lab, POLICIES), bare: await gatewayEnvoy(lab, BARE), static: pid };
}

const OTHERS = {
  static: "a static Envoy with the same job",
  bare: "bare Gateway API",
  direct: "the backend without a proxy",
} as const;

/** Each round has a sample of each contender. */
export function dataPlaneFigures(rounds: readonly Record<Contender, Sample>[]): Figure[] {
  const p99 = (round: Record<Contender, Sample>, name: Contender) => round[name].p99Ms;
  const cpu = (round: Record<Contender, Sample>, name: Contender) => round[name].cpuMs ?? NaN;
  const ratios = (what: string, of: typeof p99, others: readonly (keyof typeof OTHERS)[], target: number) =>
    others.map((other): Figure => {
      const value = bootstrap(rounds.map((round) => of(round, "policies") / of(round, other)));
      return {
        what: `${what}, every policy, against ${OTHERS[other]}`,
        unit: "×",
        value,
        target: other === "static" ? target : undefined,
      };
    });
  const amounts = (what: string, of: typeof p99, names: readonly Contender[]) =>
    names.map((name): Figure => {
      const value = bootstrap(rounds.map((round) => of(round, name)));
      return { what: `${what}, ${name === "policies" ? "every policy" : OTHERS[name]}`, unit: "ms", value };
    });
  const [latency, time] = [`p99 at ${RATE} requests per second`, "Envoy's CPU time for 1,000 requests"];
  return [
    ...ratios(latency, p99, ["static", "bare", "direct"], 1.3),
    ...ratios(time, cpu, ["static", "bare"], 1.5),
    ...amounts(latency, p99, ["policies", "static", "bare", "direct"]),
    ...amounts(time, cpu, ["policies", "static", "bare"]),
  ];
}

function dataPlanePlots(rounds: readonly Record<Contender, Sample>[]): Plot[] {
  const bars = (title: string, yTitle: string, names: readonly Contender[], of: (sample: Sample) => number): Plot => ({
    title,
    kind: "bar",
    x: names.map(
      (name) => ({ policies: "every policy", static: "static Envoy", bare: "bare", direct: "direct" })[name],
    ),
    yTitle,
    series: [{ name: title, values: names.map((name) => median(rounds.map((round) => of(round[name])))) }],
  });
  return [
    bars(`p99 at ${RATE} requests per second`, "ms", ["policies", "static", "bare", "direct"], ({ p99Ms }) => p99Ms),
    bars("CPU time for 1,000 requests", "ms", ["policies", "static", "bare"], ({ cpuMs }) => cpuMs ?? NaN),
  ];
}
