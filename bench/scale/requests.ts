import type { Lab } from "../../lab/lab";
import { interleaved } from "../clock";
import { again } from "../dataPlane";
import { attack } from "../dataPlane/load";
import { REQUEST_HEADERS } from "../dataPlane/policies";
import { cpuOf } from "../dataPlane/processes";
import { addHost } from "../dataPlane/proxies";
import { ADDRESSES, hostOf, type Deployed } from "./contenders";
import { PROBES, probes, type Probe } from "./services";

/** Well below what two cores can handle, load generator included. */
const RATE = 300;
const SECONDS = 5;
const WARM_UP_SECONDS = 2;

/** Envoy's CPU time for requests to the first and to the last hosts, in alternating order. */
export async function requests(
  lab: Lab,
  { contender, services, envoy }: Deployed,
  rounds: number,
  progress: (text: string) => void,
): Promise<Record<Probe, number>[]> {
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
    return ((cpuOf(envoy) - before) * 1e6) / answered;
  };
  const indices = probes(services);
  for (const index of Object.values(indices)) {
    addHost(hostOf(contender, index), ADDRESSES[contender]);
    await again(() => load(index, WARM_UP_SECONDS), progress);
  }
  const measurements = Object.fromEntries(
    PROBES.map((probe) => [probe, () => again(() => once(indices[probe]), progress)]),
  ) as Record<Probe, () => Promise<number>>;
  return interleaved(rounds, measurements, progress, (ms) => `CPU ${ms.toFixed(0)} ms per 1,000 requests`);
}
