import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../../lab/lab";
import { interleaved } from "../clock";
import { again } from "../dataPlane";
import { attack } from "../dataPlane/load";
import { REQUEST_HEADERS } from "../dataPlane/policies";
import { cpuOf } from "../dataPlane/processes";
import { addHost } from "../dataPlane/proxies";
import { ADDRESSES, hostOf, type Target } from "./contenders";
import { PROBES, probes, type Probe } from "./services";

/** Well below what two cores can handle, load generator included. */
const RATE = 300;
const SECONDS = 5;
const WARM_UP_SECONDS = 2;
const REST_SECONDS = 10;

/** Envoy's CPU time for 1,000 requests to a host, with few services and with many. Unit: milliseconds. */
export type RequestCosts = Readonly<Record<`${"few" | "many"}: ${Probe}`, number>>;

/** CPU time for requests to the first and to the last hosts of two gateways, in alternating order. */
export async function requests(
  lab: Lab,
  targets: { readonly few: Target; readonly many: Target },
  rounds: number,
  progress: (text: string) => void,
): Promise<RequestCosts[]> {
  const measurements = {
    ...(await probesOf(lab, "few", targets.few, progress)),
    ...(await probesOf(lab, "many", targets.many, progress)),
  };
  return interleaved(rounds, measurements, progress, (ms) => `CPU ${ms.toFixed(0)} ms per 1,000 requests`);
}

/** Without what Envoy uses at rest: that is for its clusters, whose statistics it collects. */
async function probesOf<S extends "few" | "many">(
  lab: Lab,
  size: S,
  { contender, services, envoy }: Target,
  progress: (text: string) => void,
): Promise<Record<`${S}: ${Probe}`, () => Promise<number>>> {
  const load = (index: number, seconds: number) =>
    attack(lab, {
      url: `https://${hostOf(contender, index)}/shop?q=1`,
      headers: REQUEST_HEADERS,
      rate: RATE,
      seconds,
    });
  const once = async (index: number) => {
    const before = cpuOf(envoy);
    const { requests: answered } = await load(index, SECONDS);
    return ((cpuOf(envoy) - before - resting * SECONDS) * 1e6) / answered;
  };
  const indices = probes(services);
  for (const index of Object.values(indices)) {
    addHost(hostOf(contender, index), ADDRESSES[contender]);
    await again(() => load(index, WARM_UP_SECONDS), progress);
  }
  const before = cpuOf(envoy);
  await sleep(REST_SECONDS * 1000);
  const resting = (cpuOf(envoy) - before) / REST_SECONDS;
  progress(`${services} services at rest: CPU ${(resting * 1000).toFixed(0)} ms per second`);
  return Object.fromEntries(
    PROBES.map((probe) => [`${size}: ${probe}`, () => again(() => once(indices[probe]), progress)]),
  ) as Record<`${S}: ${Probe}`, () => Promise<number>>;
}
