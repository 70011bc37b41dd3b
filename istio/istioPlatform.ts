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
  const { istioVersion: version, namespace, gatewayApi, charts } = config;
  const cluster = new k8s.Provider("cluster", { enableServerSideApply: true });
  const { crds: file = `${CRDS}/${gatewayApi.version}/${gatewayApi.channel}-install.yaml` } = config;
  const crds = new k8s.yaml.v2.ConfigFile("gateway-api", { file }, { provider: cluster, protect: true });
  const chart = (name: string) => ({ ...chartOf(charts, name, version), namespace });
  const base = new k8s.helm.v3.Release(
    "istio-base",
    { ...chart("base"), name: "istio-base", createNamespace: true },
    { provider: cluster, protect: true },
  );
  new k8s.helm.v3.Release(
    "istiod",
    { ...chart("istiod"), name: "istiod", values: merged(istiodValues(), config.values) },
    // istiod looks for the CRDs when it starts.
    { provider: cluster, dependsOn: [crds, base] },
  );
  return { gatewayApi, istioVersion: version };
}

/** A chart of a repository or of a registry, or in a folder. */
function chartOf(charts: string, name: string, version: string) {
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
