import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import { parse } from "yaml";
import type { GatewayApi } from "../config/schema/cluster/gatewayApi";
import type { PlatformConfig } from "./platformConfig";

/** Istio's charts. https://istio.io/latest/docs/setup/install/helm/ */
const CHARTS = "https://istio-release.storage.googleapis.com/charts";
const CRDS = "https://github.com/kubernetes-sigs/gateway-api/releases/download";

/**
 * The Gateway API's CRDs, then Istio's, then istiod, with the providers from docs/mesh-config.yaml. All are
 * protected: a cluster that loses its CRDs loses every Gateway and every route.
 */
export function istioPlatform(config: PlatformConfig): { gatewayApi: GatewayApi; istioVersion: string } {
  const { istioVersion: version, namespace, gatewayApi } = config;
  const cluster = new k8s.Provider("cluster", { enableServerSideApply: true });
  const file = `${CRDS}/${gatewayApi.version}/${gatewayApi.channel}-install.yaml`;
  const crds = new k8s.yaml.v2.ConfigFile("gateway-api", { file }, { provider: cluster, protect: true });
  const chart = (name: string) => ({ chart: name, version, namespace, repositoryOpts: { repo: CHARTS } });
  const base = new k8s.helm.v3.Release(
    "istio-base",
    { ...chart("base"), name: "istio-base", createNamespace: true },
    { provider: cluster, protect: true },
  );
  new k8s.helm.v3.Release(
    "istiod",
    { ...chart("istiod"), name: "istiod", values: istiodValues() },
    // istiod looks for the CRDs when it starts.
    { provider: cluster, dependsOn: [crds, base] },
  );
  return { gatewayApi, istioVersion: version };
}

/** Values for istiod's chart. */
export function istiodValues(): { meshConfig: object } {
  return { meshConfig: parse(readFileSync(join(__dirname, "..", "docs", "mesh-config.yaml"), "utf8")) as object };
}
