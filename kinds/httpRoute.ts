import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
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
  /** Absent: a Service. */
  group?: "networking.istio.io";
  kind?: "Hostname";
  name: string;
  namespace?: string;
  port: number;
  weight: number;
  filters?: Extract<HTTPRouteFilter, { type: "RequestHeaderModifier" }>[];
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httpheaderfilter */
export interface HTTPHeaderFilter {
  set?: { name: string; value: string }[];
  add?: { name: string; value: string }[];
  remove?: string[];
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httppathmodifier */
export type HTTPPathModifier =
  { type: "ReplaceFullPath"; replaceFullPath: string } | { type: "ReplacePrefixMatch"; replacePrefixMatch: string };

/** https://gateway-api.sigs.k8s.io/reference/spec/#httprequestredirectfilter */
export interface HTTPRequestRedirect {
  scheme?: "http" | "https";
  hostname?: string;
  port?: number;
  path?: HTTPPathModifier;
  statusCode: 301 | 302 | 303 | 307 | 308;
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httproutefilter */
export type HTTPRouteFilter =
  | { type: "RequestRedirect"; requestRedirect: HTTPRequestRedirect }
  | { type: "RequestHeaderModifier"; requestHeaderModifier: HTTPHeaderFilter }
  | { type: "ResponseHeaderModifier"; responseHeaderModifier: HTTPHeaderFilter }
  | { type: "CORS"; cors: HTTPCORSFilter }
  | { type: "URLRewrite"; urlRewrite: { hostname?: string; path?: HTTPPathModifier } }
  | {
      type: "RequestMirror";
      requestMirror: { backendRef: { name: string; namespace?: string; port: number }; percent: number };
    };

/** https://gateway-api.sigs.k8s.io/reference/spec/#httprouteretry */
export interface HTTPRouteRetry {
  attempts: number;
  codes?: number[];
  backoff?: string;
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httpcorsfilter */
export interface HTTPCORSFilter {
  allowOrigins: string[];
  allowMethods?: string[];
  allowHeaders?: string[];
  exposeHeaders?: string[];
  allowCredentials: boolean;
  maxAge: number;
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule */
export interface HTTPRouteRule {
  name: string;
  matches?: HTTPRouteMatch[];
  filters?: HTTPRouteFilter[];
  /** Absent: a redirect, or Istio answers itself. */
  backendRefs?: HTTPBackendRef[];
  timeouts?: { request: string; backendRequest?: string };
  /** Experimental channel only. */
  retry?: HTTPRouteRetry;
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec */
export interface HTTPRouteSpec {
  parentRefs: ParentReference[];
  /** Absent: every host of the listener. */
  hostnames?: pulumi.Input<pulumi.Input<string>[]>;
  rules: HTTPRouteRule[];
}

export interface HTTPRouteArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: HTTPRouteSpec;
}

/** `HTTPRoute` of gateway.networking.k8s.io/v1. */
export class HTTPRoute extends CustomResource {
  constructor(name: string, args: HTTPRouteArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", ...args }, opts);
  }
}
