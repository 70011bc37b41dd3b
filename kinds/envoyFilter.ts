import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";
import type { GatewayReference } from "./gatewayReference";

/** https://istio.io/latest/docs/reference/config/networking/envoy-filter/#EnvoyFilter-EnvoyConfigObjectPatch */
export interface ConfigPatch {
  applyTo:
    | "LISTENER"
    | "FILTER_CHAIN"
    | "NETWORK_FILTER"
    | "HTTP_FILTER"
    | "EXTENSION_CONFIG"
    | "ROUTE_CONFIGURATION"
    | "HTTP_ROUTE";
  match: {
    context: "GATEWAY";
    listener?: {
      portNumber: number;
      filterChain?: { sni?: string; filter?: { name: string; subFilter?: { name: string } } };
    };
    routeConfiguration?: {
      portNumber: number;
      vhost?: { route: { name: string; action: "ROUTE" } };
    };
  };
  patch: { operation: "INSERT_FIRST" | "INSERT_BEFORE" | "ADD" | "MERGE"; value: Record<string, unknown> };
}

/** https://istio.io/latest/docs/reference/config/networking/envoy-filter/#EnvoyFilter */
export type EnvoyFilterSpec = (
  | { targetRefs: GatewayReference[]; workloadSelector?: undefined }
  | { workloadSelector: { labels: Record<string, string> }; targetRefs?: undefined }
) & {
  priority: number;
  configPatches: ConfigPatch[];
};

export interface EnvoyFilterArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: EnvoyFilterSpec;
}

/** `EnvoyFilter` of networking.istio.io/v1alpha3. */
export class EnvoyFilter extends CustomResource {
  constructor(name: string, args: EnvoyFilterArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "networking.istio.io/v1alpha3", kind: "EnvoyFilter", ...args }, opts);
  }
}
