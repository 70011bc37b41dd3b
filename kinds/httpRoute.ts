import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** https://gateway-api.sigs.k8s.io/reference/spec/#parentreference */
export interface ParentReference {
  name: string;
  namespace: string;
  sectionName: string;
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httproutematch */
export interface HTTPRouteMatch {
  path: { type: "PathPrefix" | "Exact" | "RegularExpression"; value: string };
  headers?: ValueMatch[];
  queryParams?: ValueMatch[];
  method?: string;
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httpheadermatch */
export interface ValueMatch {
  type: "Exact" | "RegularExpression";
  name: string;
  value: string;
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httpbackendref */
export interface HTTPBackendRef {
  name: string;
  namespace?: string;
  port: number;
  weight: number;
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule */
export interface HTTPRouteRule {
  name: string;
  matches?: HTTPRouteMatch[];
  filters?: { type: "RequestRedirect"; requestRedirect: { scheme: "https"; port: number; statusCode: 301 } }[];
  backendRefs?: HTTPBackendRef[];
  timeouts?: { request: string };
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec */
export interface HTTPRouteSpec {
  parentRefs: ParentReference[];
  hostnames: string[];
  rules: HTTPRouteRule[];
}

export interface HTTPRouteArgs {
  metadata: k8s.types.input.meta.v1.ObjectMeta;
  spec: HTTPRouteSpec;
}

/** `HTTPRoute` of gateway.networking.k8s.io/v1. */
export class HTTPRoute extends k8s.apiextensions.CustomResource {
  constructor(name: string, args: HTTPRouteArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", ...args }, opts);
  }
}
