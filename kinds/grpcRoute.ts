import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";
import type { HTTPBackendRef, HTTPRouteFilter, ParentReference, ValueMatch } from "./httpRoute";

/** https://gateway-api.sigs.k8s.io/reference/spec/#grpcroutematch */
export interface GRPCRouteMatch {
  method?: { type: "Exact"; service: string; method?: string };
  headers?: ValueMatch[];
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#grpcroutefilter */
export type GRPCRouteFilter = Exclude<HTTPRouteFilter, { type: "RequestRedirect" | "URLRewrite" }>;

/** Has no timeouts. https://gateway-api.sigs.k8s.io/reference/spec/#grpcrouterule */
export interface GRPCRouteRule {
  name: string;
  matches?: GRPCRouteMatch[];
  filters?: GRPCRouteFilter[];
  /** Absent: Istio answers itself. */
  backendRefs?: HTTPBackendRef[];
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#grpcroutespec */
export interface GRPCRouteSpec {
  parentRefs: ParentReference[];
  /** Absent: every host of the listener. */
  hostnames?: string[];
  rules: GRPCRouteRule[];
}

export interface GRPCRouteArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: GRPCRouteSpec;
}

/** `GRPCRoute` of gateway.networking.k8s.io/v1. */
export class GRPCRoute extends CustomResource {
  constructor(name: string, args: GRPCRouteArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "gateway.networking.k8s.io/v1", kind: "GRPCRoute", ...args }, opts);
  }
}
