import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Port, ServiceTarget, StackConfig } from "../../config";
import { backendsOf, serviceTargets } from "../../config/resolve/model";
import { isBackendsOwn } from "../../config/schema/backends/tls";
import { backendAddress } from "../addresses";
import { logOf } from "../controlPlane";
import { outputInside, startDaemon, type ProcessId } from "../namespaces";
import { REPOSITORY } from "../paths";
import { eventually, UserError } from "../processes";
import { labPath, type BackendState } from "../state";
import type { Tools } from "../tools";

const BACKENDS_FILE = labPath("backends.json");
const READY_FILE = labPath("backends.ready");

/** The Services that are backed by a real vmagent. */
const VMAGENTS: readonly string[] = ["vmagent-vmagent", "vmagent-stable"];

/** What the vmagent behind `vmagent-vmagent` scrapes. */
export const SCRAPE_FILE = scrapeFile("vmagent-vmagent");
/** Address of the metrics store inside the lab. */
export const METRICS_URL = "http://127.0.0.1:8428";

/** A port of a Service that a stack refers to. */
export interface WantedBackend extends Pick<BackendState, "namespace" | "service" | "protocol" | "labels"> {
  readonly port: Port;
}

/** A stack's backends in the cluster: pods for the versions whose Services the stack creates, Services for everything else. */
export function wantedBackends({ services, streams }: Pick<StackConfig, "services" | "streams">): WantedBackend[] {
  const pods = services.flatMap((service) =>
    service.versions.flatMap(({ service: name, selector, ports }) =>
      ports.map(({ targetPort }) => ({
        ...{ namespace: service.namespace, service: name, protocol: protocolOf(service) },
        ...{ port: targetPort, labels: selector },
      })),
    ),
  );
  const isPod = ({ namespace, service }: Omit<ServiceTarget, "port">) =>
    pods.some((pod) => pod.namespace === namespace && pod.service === service);
  const others = services.flatMap((service) =>
    backendsOf(service)
      .filter((backend) => !isPod(backend))
      .map((backend) => ({ ...backend, protocol: protocolOf(service) })),
  );
  const streamed = streams.flatMap(({ protocol, backends }) =>
    serviceTargets(backends).map((backend) => ({
      ...backend,
      protocol: protocol === "tls-passthrough" ? ("tls" as const) : ("http" as const),
    })),
  );
  return [...pods, ...others, ...streamed];
}

function protocolOf({ protocol, trafficPolicy: { tls } }: StackConfig["services"][number]): BackendState["protocol"] {
  return isBackendsOwn(tls) ? ({ http: "tls", grpc: "grpc-tls" } as const)[protocol] : protocol;
}

/** Starts the echo server; it opens ports as backends are added. */
export async function startEcho(pid: number): Promise<ProcessId> {
  writeFileSync(BACKENDS_FILE, "[]");
  return startDaemon(pid, {
    name: "echo",
    command: [
      process.execPath,
      "-r",
      "ts-node/register/transpile-only",
      join(REPOSITORY, "lab", "backends", "echo.ts"),
      BACKENDS_FILE,
      READY_FILE,
    ],
    cwd: REPOSITORY,
    logFile: logOf("echo"),
  });
}

/** Gives each new Service an address, and each new port a server. Returns all backends of the lab. */
export async function addBackends(
  pid: number,
  tools: Tools,
  present: readonly BackendState[],
  wanted: readonly WantedBackend[],
  daemons: Record<string, ProcessId>,
): Promise<BackendState[]> {
  const backends = [...present];
  for (const { namespace, service, port, protocol, labels } of wanted) {
    const index = backends.findIndex((backend) => backend.namespace === namespace && backend.service === service);
    const known = backends[index];
    if (known === undefined) {
      const address = backendAddress(backends.length);
      await outputInside(pid, ["ip", "address", "replace", `${address}/32`, "dev", "lo"]);
      backends.push(withPort({ namespace, service, ports: [], protocol, address, labels }, port));
    } else {
      backends[index] = withPort(known, port);
    }
  }
  await serve(pid, tools, backends, daemons);
  return backends;
}

/** Number of a Service's first port that a stack calls by name. */
const FIRST_NAMED_PORT = 9000;

function withPort({ ports, names, ...rest }: BackendState, port: Port): BackendState {
  const free = FIRST_NAMED_PORT + Object.keys(names ?? {}).length;
  const number = typeof port === "number" ? port : (names?.[port] ?? free);
  return {
    ...rest,
    ports: [...new Set([...ports, number])],
    names: typeof port === "number" ? names : { ...names, [port]: number },
  };
}

/** Gives a Service this many endpoints. Returns all backends of the lab. */
export async function scaleBackend(
  pid: number,
  tools: Tools,
  present: readonly BackendState[],
  { namespace, service }: Pick<BackendState, "namespace" | "service">,
  endpoints: number,
  daemons: Record<string, ProcessId>,
): Promise<BackendState[]> {
  const number = present.findIndex((backend) => backend.namespace === namespace && backend.service === service);
  const backends = [...present];
  const known = backends[number];
  if (known === undefined) {
    throw new UserError(`there is no backend ${namespace}/${service}`);
  }
  const replicas = Array.from({ length: endpoints - 1 }, (_, replica) => backendAddress(number, replica + 1));
  for (const address of replicas) {
    await outputInside(pid, ["ip", "address", "replace", `${address}/32`, "dev", "lo"]);
  }
  backends[number] = { ...known, replicas };
  await serve(pid, tools, backends, daemons);
  return backends;
}

/** Starts the servers for the backends, and waits until they are ready. */
async function serve(
  pid: number,
  tools: Tools,
  backends: readonly BackendState[],
  daemons: Record<string, ProcessId>,
): Promise<void> {
  for (const vmagent of backends.filter(isVmagent)) {
    daemons["victoria-metrics"] ??= await startVictoriaMetrics(pid, tools);
    daemons[vmagent.service] ??= await startVmagent(pid, tools, vmagent);
  }
  const echoed = JSON.stringify(
    backends
      .filter((backend) => !isVmagent(backend))
      .flatMap(({ replicas = [], ...backend }) =>
        [backend.address, ...replicas].map((address) => ({ ...backend, address })),
      ),
  );
  // Renamed into place, because the echo server may read the file at any time.
  writeFileSync(`${BACKENDS_FILE}.new`, echoed);
  renameSync(`${BACKENDS_FILE}.new`, BACKENDS_FILE);
  await eventually("the echo server", 20_000, () =>
    readFileSync(READY_FILE, "utf8") === echoed ? Promise.resolve() : Promise.reject(new Error("it is not ready")),
  );
}

export function isVmagent({ namespace, service }: Omit<ServiceTarget, "port">): boolean {
  return namespace === "monitoring" && VMAGENTS.includes(service);
}

/** The store that vmagent writes to, and that answers queries. */
async function startVictoriaMetrics(pid: number, tools: Tools): Promise<ProcessId> {
  const cwd = labPath("victoria-metrics");
  mkdirSync(cwd, { recursive: true });
  const process = await startDaemon(pid, {
    name: "victoria-metrics",
    command: [
      tools.programs["victoria-metrics"],
      `-httpListenAddr=${METRICS_URL.replace("http://", "")}`,
      `-storageDataPath=${join(cwd, "data")}`,
      // Samples can be queried immediately.
      "-search.latencyOffset=0s",
      "-search.disableCache",
      // Tests write samples from other days.
      "-retentionPeriod=100y",
      "-memory.allowedBytes=128MB",
    ],
    cwd,
    logFile: logOf("victoria-metrics"),
  });
  await eventually("victoria-metrics", 20_000, () => outputInside(pid, ["curl", "-sf", `${METRICS_URL}/health`]));
  return process;
}

function scrapeFile(vmagent: string): string {
  return labPath(vmagent, "scrape.yaml");
}

async function startVmagent(pid: number, tools: Tools, { service, address, ports }: BackendState): Promise<ProcessId> {
  const cwd = labPath(service);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(scrapeFile(service), "scrape_configs: []\n");
  const process = await startDaemon(pid, {
    name: service,
    command: [
      tools.programs.vmagent,
      `-httpListenAddr=${address}:${ports[0] ?? 8429}`,
      `-promscrape.config=${scrapeFile(service)}`,
      "-promscrape.configCheckInterval=1s",
      `-remoteWrite.url=${METRICS_URL}/api/v1/write`,
      `-remoteWrite.tmpDataPath=${join(cwd, "data")}`,
      "-remoteWrite.maxDiskUsagePerURL=50MB",
    ],
    cwd,
    logFile: logOf(service),
  });
  await eventually("vmagent", 20_000, () =>
    outputInside(pid, ["curl", "-sf", `http://${address}:${ports[0] ?? 8429}/health`]),
  );
  return process;
}
