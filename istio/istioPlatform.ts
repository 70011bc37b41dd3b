import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import { parse } from "yaml";
import type { GatewayApi } from "../config/schema/cluster/gatewayApi";
import type { PlatformConfig } from "./platformConfig";

const CRDS = "https://github.com/kubernetes-sigs/gateway-api/releases/download";

/**
 * The Gateway API's CRDs, then Istio's, then istiod, with the providers from docs/mesh-config.yaml. The CRDs are protected: a
 * cluster that loses them loses every Gateway and every route.
 * https://istio.io/latest/docs/setup/install/helm/
 */
export function istioPlatform(config: PlatformConfig): { gatewayApi: GatewayApi; istioVersion: string } {
  const { namespace, gatewayApi, canary } = config;
  const newest: Source = { ...config, ...canary };
  const cluster = new k8s.Provider("cluster", { enableServerSideApply: true });
  const { crds: file = `${CRDS}/${gatewayApi.version}/${gatewayApi.channel}-install.yaml` } = config;
  const crds = new k8s.yaml.v2.ConfigFile("gateway-api", { file }, { provider: cluster, protect: true });
  const base = new k8s.helm.v3.Release(
    "istio-base",
    // Its CRDs may be newer than istiod, not older.
    { ...chartOf("base", newest), namespace, name: "istio-base", createNamespace: true },
    { provider: cluster, protect: true },
  );
  const istiod = (name: string, source: Source, more: Values = {}) =>
    new k8s.helm.v3.Release(
      name,
      { ...chartOf("istiod", source), namespace, name, values: merged(merged(istiodValues(), config.values), more) },
      // istiod looks for the CRDs when it starts.
      { provider: cluster, dependsOn: [crds, base] },
    );
  istiod("istiod", config);
  if (canary !== undefined) {
    istiod(`istiod-${canary.revision}`, newest, { revision: canary.revision });
  }
  return { gatewayApi, istioVersion: config.istioVersion };
}

/** Where a chart comes from. */
type Source = Pick<PlatformConfig, "istioVersion" | "charts">;

/** A chart of a repository or of a registry, or in a folder. */
function chartOf(name: string, { istioVersion: version, charts }: Source) {
  if (charts.startsWith("oci://")) {
    return { chart: `${charts}/${name}`, version };
  }
  return charts.includes("://")
    ? { chart: name, version, repositoryOpts: { repo: charts } }
    : { chart: resolve(charts, name) };
}

type Values = Readonly<Record<string, unknown>>;

/** Values for istiod's chart. */
export function istiodValues(): Values {
  return { meshConfig: parse(readFileSync(join(__dirname, "..", "docs", "mesh-config.yaml"), "utf8")) as object };
}

/** Like Helm: maps are merged, anything else is replaced. */
function merged(under: Values, over: Values): Values {
  const isMap = (value: unknown): value is Values =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const values = Object.entries(over).map(([key, value]) => {
    const present = under[key];
    return [key, isMap(present) && isMap(value) ? merged(present, value) : value] as const;
  });
  return { ...under, ...Object.fromEntries(values) };
}
