import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { istiodValues } from "../istio/istioPlatform";
import { logOf } from "./controlPlane";
import { outputInside, runInside } from "./namespaces";
import { REPOSITORY } from "./paths";
import { eventually, UserError, type Result } from "./processes";
import { labEnv, linkProject } from "./stacks";
import { labPath } from "./state";
import type { Channel, Tools } from "./tools";

/** Project of istio/, as `project` is that of the gateways. */
const PROJECT = labPath("istio");
const STACK = "lab";

/** Values for istiod's chart that only the lab needs. */
function values(): object {
  const { meshConfig } = istiodValues() as { meshConfig: { extensionProviders: object[] } };
  return {
    meshConfig: {
      accessLogFile: "/dev/stdout",
      extensionProviders: [...meshConfig.extensionProviders, AUTHORIZER],
      // Tests look at each counter of route updates.
      defaultConfig: { proxyStatsMatcher: { inclusionRegexps: [String.raw`http\..*\.rds\..*`] } },
    },
    // Upstream Envoy lacks the filters of Istio's own build, the first of them for its metrics. An empty list of metrics providers
    // would do as well, but before 4.30 the Kubernetes provider drops empty lists.
    telemetry: { v2: { prometheus: { enabled: false } } },
    env: {
      PILOT_ENABLE_METADATA_EXCHANGE: "false",
      PILOT_ENABLE_ALPN_FILTER: "false",
      // istioctl queries the plain-text port: the lab's nodes forward no ports.
      ENABLE_DEBUG_ENDPOINT_AUTH: "false",
      // TCPRoutes, which Istio 1.31 has without it.
      PILOT_ENABLE_ALPHA_GATEWAY_API: "true",
    },
    // istio-init sets up a Pod's redirection to its sidecar with nft.
    global: { nativeNftables: true },
    // The machine has no metrics to scale by.
    autoscaleEnabled: false,
  };
}

const AUTHORIZER = {
  name: "lab-authorizer",
  envoyExtAuthzHttp: {
    service: "authorizer.access.svc.cluster.local",
    port: 8080,
    pathPrefix: "/__authorize",
    includeRequestHeadersInCheck: ["x-authorize"],
    headersToUpstreamOnAllow: ["x-role"],
  },
};

/** Installs Istio and the Gateway API's CRDs as docs/operations.md says: by `pulumi up` of the stack in istio/. */
export async function installIstio(pid: number, tools: Tools, channel: Channel): Promise<void> {
  writeProject();
  writePlatform(releaseOf(tools, channel));
  for (const args of [
    ["stack", "init"],
    ["up", "--yes", "--skip-preview", "--suppress-outputs"],
  ]) {
    const { code, stdout, stderr } = await runPlatform(pid, tools, [...args, "--non-interactive"]);
    appendFileSync(logOf("istio-stack"), stdout + stderr);
    if (code !== 0) {
      const [, error = "no error was reported"] = /error: (.+)/.exec(stdout + stderr) ?? [];
      throw new UserError(`pulumi ${args[0]} of istio/ failed: ${error} (log: ${logOf("istio-stack")})`);
    }
  }
}

/** Runs pulumi on the stack that installed Istio. */
export function runPlatform(pid: number, tools: Tools, args: readonly string[]): Promise<Result> {
  const command = [tools.programs.pulumi, "-C", PROJECT, ...args, "--stack", STACK, "--color", "never"];
  return runInside(pid, command, { env: { ...labEnv(), PULUMI_NODEJS_ROOT_DIRECTORY: PROJECT } });
}

function writeProject(): void {
  mkdirSync(PROJECT, { recursive: true, mode: 0o700 });
  linkProject(join(REPOSITORY, "istio"), PROJECT);
}

/** Config of the stack in istio/ for a release of Istio. */
export interface Release {
  readonly istioVersion: string;
  readonly charts: string;
  readonly gatewayApi: { readonly channel: Channel; readonly version: string };
  readonly crds: string;
}

/** A release of Istio and the Gateway API that it requires: its charts and CRDs are put where the stack finds them. */
export function releaseOf({ istio, istioCharts, crds }: Tools, channel: Channel): Release {
  const istioVersion = `${istio}.0`;
  const charts = join(PROJECT, `charts-${istio}`);
  chartFrom(join(istioCharts, "base"), join(charts, "base"), istioVersion);
  chartFrom(join(istioCharts, "istio-control", "istio-discovery"), join(charts, "istiod"), istioVersion);
  const folder = crds.gatewayApi[channel];
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  const manifests = files.map((name) => readFileSync(join(folder, name), "utf8")).join("\n---\n");
  const [, version = ""] = /bundle-version: (\S+)/.exec(manifests) ?? [];
  const file = join(PROJECT, `gateway-api-${istio}.yaml`);
  writeFileSync(file, manifests);
  return { istioVersion, charts, gatewayApi: { channel, version }, crds: file };
}

/** Copies a chart of Istio's repository, and puts the version in, as Istio's release builder does. */
function chartFrom(source: string, folder: string, version: string): void {
  cpSync(source, folder, { recursive: true });
  for (const [file, pattern] of [
    ["Chart.yaml", /^(version: |appVersion: ).*$/gm],
    ["values.yaml", /^( *tag: )latest$/gm],
  ] as const) {
    const path = join(folder, file);
    writeFileSync(path, readFileSync(path, "utf8").replace(pattern, `$1${version}`));
  }
}

/** Writes the config of the stack in istio/. */
export function writePlatform(platform: object): void {
  const given = { ...platform, values: values() };
  const config = Object.fromEntries(Object.entries(given).map(([key, value]) => [`istio-platform:${key}`, value]));
  const path = join(PROJECT, `Pulumi.${STACK}.yaml`);
  const kept = existsSync(path) ? (parse(readFileSync(path, "utf8")) as { encryptionsalt?: string }) : {};
  writeFileSync(path, stringify({ encryptionsalt: kept.encryptionsalt, config }));
}

/** Waits until istiod answers at its Service's address. */
export async function istioReady(pid: number): Promise<void> {
  const curl = ["curl", "-sf", "--max-time", "2", "http://istiod.istio-system.svc:15014/version"];
  await eventually("istiod", 60_000, () => outputInside(pid, curl));
}
