import type { Lab } from "../../lab/lab";
import { CLIENT_OUTSIDE } from "../../lab/addresses";
import { UserError } from "../../lab/processes";
import { ensureOptional } from "../../lab/tools";

/** Requests at a constant rate, whether or not earlier ones have been answered. */
export interface Load {
  readonly url: string;
  readonly headers: readonly string[];
  /** Unit: requests per second. */
  readonly rate: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The fields used from `vegeta report -type=json`. Latencies are in nanoseconds. */
interface VegetaReport {
  readonly requests: number;
  readonly rate: number;
  readonly success: number;
  readonly errors: readonly string[] | null;
  readonly latencies: { readonly "50th": number; readonly "99th": number };
}

/** A load that says nothing about the proxy, for example because the machine was too busy to send it. */
export class Disturbed extends UserError {}

/** Share of the requested rate that has to be reached: below it, the latencies are those of a different load. */
const REACHED = 0.98;

/** Runs a load from an address on the internet. @throws Disturbed if a request fails or the rate is not reached. */
export async function attack(lab: Lab, { url, headers, rate, seconds }: Load): Promise<LoadResult> {
  const vegeta = await ensureOptional("vegeta");
  const flags = [`-rate=${rate}/s`, `-duration=${seconds}s`, `-laddr=${CLIENT_OUTSIDE}`, "-insecure", "-timeout=20s"];
  const words = headers.flatMap((header) => ["-header", header]);
  const script = 'v=$1; url=$2; shift 2; echo "GET $url" | "$v" attack "$@" | "$v" report -type=json';
  const said = await lab.output(["bash", "-o", "pipefail", "-c", script, "bash", vegeta, url, ...flags, ...words]);
  return loadResult(said, rate);
}

export function loadResult(json: string, rate: number): LoadResult {
  const report = JSON.parse(json) as VegetaReport;
  if (report.success !== 1) {
    const { success, errors } = report;
    throw new Disturbed(`only ${(100 * success).toFixed(2)} % of the requests succeeded: ${errors?.[0] ?? "no error"}`);
  }
  if (report.rate < REACHED * rate) {
    throw new Disturbed(`only ${report.rate.toFixed(0)} of ${rate} requests per second were sent`);
  }
  const { "50th": p50, "99th": p99 } = report.latencies;
  return { requests: report.requests, p50Ms: p50 / 1e6, p99Ms: p99 / 1e6 };
}
