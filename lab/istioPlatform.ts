import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { istiodValues } from "../istio/istioPlatform";
import { logOf } from "./controlPlane";
import { outputInside, runInside } from "./namespaces";
import { REPOSITORY } from "./paths";
import { eventually, UserError, type Result } from "./processes";
import { labEnv, link } from "./stacks";
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
      // Upstream Envoy lacks the filter for Istio's own metrics.
      defaultProviders: { metrics: [] },
      extensionProviders: [...meshConfig.extensionProviders, AUTHORIZER],
      // Tests look at each counter of route updates.
      defaultConfig: { proxyStatsMatcher: { inclusionRegexps: [String.raw`http\..*\.rds\..*`] } },
    },
    env: {
      // Upstream Envoy lacks the filters of Istio's own build.
      PILOT_ENABLE_METADATA_EXCHANGE: "false",
      PILOT_ENABLE_ALPN_FILTER: "false",
      // istioctl queries the plain-text port: the lab's nodes forward no ports.
      ENABLE_DEBUG_ENDPOINT_AUTH: "false",
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
  },
};

/** Installs Istio and the Gateway API's CRDs as docs/operations.md says: by `pulumi up` of the stack in istio/. */
export async function installIstio(pid: number, tools: Tools, channel: Channel): Promise<void> {
  writeProject(tools, channel);
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

function writeProject({ istio, istioCharts, crds }: Tools, channel: Channel): void {
  const charts = join(PROJECT, "charts");
  mkdirSync(charts, { recursive: true, mode: 0o700 });
  const project = parse(readFileSync(join(REPOSITORY, "istio", "Pulumi.yaml"), "utf8")) as Record<string, unknown>;
  writeFileSync(join(PROJECT, "Pulumi.yaml"), stringify({ ...project, main: "program" }));
  link(join(REPOSITORY, "istio"), join(PROJECT, "program"));
  link(join(istioCharts, "base"), join(charts, "base"));
  link(join(istioCharts, "istio-control", "istio-discovery"), join(charts, "istiod"));
  const folder = crds.gatewayApi[channel];
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  const manifests = files.map((name) => readFileSync(join(folder, name), "utf8")).join("\n---\n");
  const [, version] = /bundle-version: (\S+)/.exec(manifests) ?? [];
  const file = join(PROJECT, "gateway-api.yaml");
  writeFileSync(file, manifests);
  // The module's charts have no version of their own.
  const given = { istioVersion: `${istio}.0`, gatewayApi: { channel, version }, charts, crds: file, values: values() };
  const config = Object.fromEntries(Object.entries(given).map(([key, value]) => [`istio-platform:${key}`, value]));
  writeFileSync(join(PROJECT, `Pulumi.${STACK}.yaml`), stringify({ config }));
}

/** Waits until istiod answers at its Service's address. */
export async function istioReady(pid: number): Promise<void> {
  const curl = ["curl", "-sf", "--max-time", "2", "http://istiod.istio-system.svc:15014/version"];
  await eventually("istiod", 60_000, () => outputInside(pid, curl));
}
