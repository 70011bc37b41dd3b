import type { Lab } from "../../lab/lab";
import { outputInside } from "../../lab/namespaces";
import { eventually } from "../../lab/processes";
import { Chart } from "../chart";
import type { Figure, Plot, Results } from "../figure";
import type { Options } from "../options";
import { renderedObjects, stackFile, stackValues } from "../stacks";
import { certificateFiles, copyOfCertificate } from "./certificate";
import { residentOf } from "./processes";
import { apply, BACKEND, backendServices, bareGateway, bareRoute, gatewayEnvoy, startStatic } from "./proxies";
import { limitedBootstrap } from "./staticEnvoy";

const ROUTES = [10, 100, 1000];
const ADDRESSES = { gateway: "192.168.51.234", bare: "192.168.51.235", static: "192.168.51.236" } as const;
const GATEWAY = "memory";
const BARE = "memory-bare";
const STATIC = "memory-static";
const APPS = `${GATEWAY}-apps`;

export type MemoryContender = keyof typeof ADDRESSES;

/** Memory of an Envoy. Unit: KiB. */
export interface Memory {
  /** Memory of its live objects, without what the allocator holds. */
  readonly allocated: number;
  readonly resident: number;
}

export type MemorySample = Readonly<Record<MemoryContender, Memory>> & { readonly routes: number };

/** Envoy's memory for each additional route: with a timeout, a rate limit and outlier ejection, and without. */
export async function memory(lab: Lab, { progress }: Options): Promise<Results> {
  progress("memory: gateways");
  const { chart, files } = await startGateways(lab);
  const samples: MemorySample[] = [];
  for (const routes of ROUTES) {
    const names = Array.from({ length: routes }, (_, index) => `service-${index}`);
    await apply(lab, backendServices(names, APPS));
    await apply(lab, await chart.objects(routes));
    await apply(
      lab,
      names.map((name) => bareRoute(BARE, { name, namespace: APPS })),
    );
    const config = limitedBootstrap({ domain: `${STATIC}.test`, backend: BACKEND, ...files }, names);
    const pid = await startStatic(lab, STATIC, ADDRESSES.static, config);
    const sample = {
      routes,
      gateway: await served(await gatewayEnvoy(lab, GATEWAY), routes),
      bare: await served(await gatewayEnvoy(lab, BARE), routes),
      static: await settled(pid),
    };
    process.kill(pid, "SIGTERM");
    progress(`${routes} routes: ${JSON.stringify(sample)}`);
    samples.push(sample);
  }
  return { figures: memoryFigures(samples), samples: { memory: samples }, plots: [memoryPlot(samples)], rounds: 1 };
}

async function startGateways(lab: Lab) {
  const values = stackValues({ name: GATEWAY, services: 1 });
  const rendered = await renderedObjects(lab, GATEWAY, values);
  const chart = Chart.make(lab, GATEWAY, rendered);
  // These stacks are never deployed: kubectl creates the Gateways, and Istio their Pods.
  const gateway = { name: GATEWAY, namespace: `${GATEWAY}-system`, address: ADDRESSES.gateway };
  await lab.prepare(GATEWAY, stackFile(GATEWAY, { ...values, gateway }));
  const bare = { name: BARE, namespace: `${BARE}-system`, address: ADDRESSES.bare };
  await lab.prepare(BARE, stackFile(BARE, { ...values, domain: `${BARE}.test`, gateway: bare }));
  await apply(lab, await chart.objects(1));
  const secret = { name: `${GATEWAY}--wildcard-${GATEWAY}-test-tls`, namespace: gateway.namespace };
  await apply(lab, [
    await copyOfCertificate(lab, secret, { name: secret.name, namespace: bare.namespace }),
    bareGateway(BARE, ADDRESSES.bare, secret.name),
  ]);
  return { chart, files: await certificateFiles(lab, secret) };
}

/** Asks the admin endpoint of a gateway's Envoy. */
export const admin = (pid: number, path: string): Promise<string> =>
  outputInside(pid, ["curl", "-sf", `http://127.0.0.1:15000/${path}`]);

/** Memory of a gateway's Envoy once it has all routes. */
export async function served(pid: number, routes: number): Promise<Memory> {
  await eventually(
    `${routes} routes`,
    180_000,
    async () => {
      const present = (await admin(pid, "config_dump?resource=dynamic_route_configs")).match(
        /"service-\d+\.[^"]+:443"/g,
      );
      if ((present?.length ?? 0) < routes) {
        throw new Error(`only ${present?.length ?? 0} are there`);
      }
    },
    1000,
  );
  return settled(pid);
}

/** Largest relative change between two readings of a settled Envoy. */
const STILL = 0.002;
const PAUSE_MS = 3000;

async function settled(pid: number): Promise<Memory> {
  let before = 0;
  return eventually(
    "Envoy's memory to settle",
    120_000,
    async () => {
      const allocated = allocatedKiB(await admin(pid, "memory"));
      const change = Math.abs(allocated - before) / allocated;
      before = allocated;
      if (!(change < STILL)) {
        throw new Error(`memory changed by ${(100 * change).toFixed(1)} %`);
      }
      return { allocated, resident: residentOf(pid) };
    },
    PAUSE_MS,
  );
}

/** Reads the answer of Envoy's admin endpoint /memory. */
export function allocatedKiB(json: string): number {
  const { allocated } = JSON.parse(json) as { readonly allocated: string };
  return Number(allocated) / 1024;
}

const NAMES: Readonly<Record<MemoryContender, string>> = {
  gateway: "this gateway, with a timeout, a rate limit and outlier ejection",
  static: "a static Envoy with the same",
  bare: "bare Gateway API",
};

/** Growth between the smallest and the largest number of routes. */
export function memoryFigures(samples: readonly MemorySample[]): Figure[] {
  const [few, many] = [samples[0], samples.at(-1)];
  if (few === undefined || many === undefined || few === many) {
    return [];
  }
  const once = (median: number) => ({ median, low: median, high: median });
  return (["gateway", "static", "bare"] as const).flatMap((name) =>
    (["allocated", "resident"] as const).map((kind): Figure => {
      const slope = (many[name][kind] - few[name][kind]) / (many.routes - few.routes);
      return { what: `memory of a further route, ${kind}, ${NAMES[name]}`, unit: "KiB", value: once(slope) };
    }),
  );
}

function memoryPlot(samples: readonly MemorySample[]): Plot {
  return {
    title: "Envoy's allocated memory",
    kind: "line",
    x: samples.map(({ routes }) => String(routes)),
    xTitle: "routes",
    yTitle: "MiB",
    series: (["gateway", "static", "bare"] as const).map((name) => ({
      name: NAMES[name],
      values: samples.map((sample) => sample[name].allocated / 1024),
    })),
  };
}
