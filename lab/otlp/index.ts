import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { COLLECTOR, COLLECTOR_PORT } from "../addresses";
import { logOf } from "../controlPlane";
import { service } from "../manifests";
import { startDaemon, type ProcessId } from "../namespaces";
import { REPOSITORY } from "../paths";
import { eventually } from "../processes";
import { labPath } from "../state";
import type { Span } from "./wire";

const SPANS_FILE = labPath("spans.jsonl");

/** The Service of `otel` in docs/mesh-config.yaml. Istio derives the protocol from the port's name. */
export const COLLECTOR_NAMESPACE = "observability";
export const COLLECTOR_MANIFESTS = service(
  "otel-collector",
  COLLECTOR_NAMESPACE,
  [COLLECTOR],
  [{ name: "grpc-otlp", port: COLLECTOR_PORT }],
);

/** Starts the collector for traces. */
export async function startCollector(pid: number): Promise<ProcessId> {
  const script = join(REPOSITORY, "lab", "otlp", "collector.ts");
  const listen = `${COLLECTOR}:${COLLECTOR_PORT}`;
  const daemon = await startDaemon(pid, {
    name: "collector",
    command: [process.execPath, "-r", "ts-node/register/transpile-only", script, listen, SPANS_FILE],
    cwd: REPOSITORY,
    logFile: logOf("collector"),
  });
  await eventually("the collector", 20_000, () =>
    existsSync(SPANS_FILE) ? Promise.resolve() : Promise.reject(new Error("it is not ready")),
  );
  return daemon;
}

/** Every span that the collector received. */
export function collectedSpans(): Span[] {
  const lines = readFileSync(SPANS_FILE, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Span);
}
