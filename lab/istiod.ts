import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { istiodValues } from "../istio/istioPlatform";
import { kubectl } from "./controlPlane";
import { eventually, output } from "./processes";
import { labPath } from "./state";
import type { Tools } from "./tools";

const NAMESPACE = "istio-system";

/** Values for istiod's chart: those of istio/, and what only the lab needs. */
function values(): object {
  const { meshConfig } = istiodValues() as { meshConfig: { extensionProviders: object[] } };
  return {
    meshConfig: {
      ...meshConfig,
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

/** Installs istiod by its chart, and waits until it is available. */
export async function installIstiod(pid: number, tools: Tools): Promise<void> {
  const file = labPath("istiod-values.json");
  writeFileSync(file, JSON.stringify(values()));
  const chart = join(tools.istioCharts, "istio-control", "istio-discovery");
  const options = ["--namespace", NAMESPACE, "--values", file];
  const rendered = await output(tools.programs.helm, ["template", "istiod", chart, ...options]);
  const apply = ["apply", "--server-side", "--force-conflicts", "--field-manager=helm", "-f", "-"];
  await eventually("istiod's objects", 30_000, () => kubectl(pid, tools, apply, rendered), 500);
  await kubectl(pid, tools, ["rollout", "status", "deployment/istiod", "-n", NAMESPACE, "--timeout=120s"]);
}
