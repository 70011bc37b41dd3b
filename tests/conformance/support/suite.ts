import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Lab } from "../../../lab/lab";
import { cacheFolder } from "../../../lab/paths";
import { lastLine, UserError } from "../../../lab/processes";
import { ensureOptional } from "../../../lab/tools";
import type { Profile } from "../expected";
import type { Report } from "./compare";

/** Longest time of a run. Unit: milliseconds. */
export const LONGEST_RUN_MS = 90 * 60_000;

/** Time between two lines that say how far it is. Unit: milliseconds. */
const HEARTBEAT_MS = 30_000;

/** The addresses with which Istio runs GatewayStaticAddresses: a Gateway with a Service's name takes that Service's proxies. */
const USABLE_ADDRESS = "infra-backend-v1.gateway-conformance-infra.svc.cluster.local";
const UNUSABLE_ADDRESS = "foo";

/** Runs the suite inside the lab, and returns its report. Its log and the report stay in the cache. */
export async function runSuite(
  lab: Lab,
  profiles: Readonly<Record<string, Profile>>,
  otherFeatures: readonly string[],
): Promise<Report> {
  const program = await ensureOptional("conformance");
  const folder = join(cacheFolder(), "conformance");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const log = join(folder, "log");
  const report = join(folder, "report.yaml");
  const features = Object.values(profiles).flatMap((profile) => profile.features);
  const flags = {
    "conformance-profiles": Object.keys(profiles).join(","),
    "gateway-class": "istio",
    "supported-features": [...new Set([...features, ...otherFeatures])].join(","),
    "usable-address": USABLE_ADDRESS,
    "unusable-address": UNUSABLE_ADDRESS,
    organization: "istio",
    project: "istio",
    url: "https://istio.io",
    version: lab.tools.istio,
    contact: "@istio/maintainers",
    "report-output": report,
    "test.v": "true",
  };
  const command = [program, ...Object.entries(flags).map(([name, value]) => `-${name}=${value}`)];
  const timer = setInterval(() => console.info(`    ${progress(log)}`), HEARTBEAT_MS);
  const shell = ["sh", "-c", 'exec "$@" >"$0" 2>&1', log];
  const { code } = await lab
    .run([...shell, ...command], { timeoutMs: LONGEST_RUN_MS })
    .finally(() => clearInterval(timer));
  if (!existsSync(report)) {
    throw new UserError(`the suite exited with ${code}: ${lastLine(readFileSync(log, "utf8"))} (log: ${log})`);
  }
  console.info(`    log: ${log}`);
  return parse(readFileSync(report, "utf8")) as Report;
}

function progress(log: string): string {
  const text = existsSync(log) ? readFileSync(log, "utf8") : "";
  const tests = [...text.matchAll(/^=== RUN +Conformance\/([^/\n]+)$/gm)].map(([, name]) => name);
  return `test ${tests.length}: ${tests.at(-1) ?? "backends and gateways start"}`;
}
