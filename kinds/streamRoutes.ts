import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import * as pulumi from "@pulumi/pulumi";
import type { HTTPBackendRef, ParentReference } from "./httpRoute";

const GROUP = "gateway.networking.k8s.io";

/** https://gateway-api.sigs.k8s.io/reference/spec/#tlsroutespec */
export interface TLSRouteSpec {
  parentRefs: ParentReference[];
  hostnames: string[];
  rules: { name: string; backendRefs: HTTPBackendRef[] }[];
}

/** `TLSRoute` of gateway.networking.k8s.io/v1. */
export class TLSRoute extends CustomResource {
  constructor(
    name: string,
    args: { metadata: types.input.meta.v1.ObjectMeta; spec: TLSRouteSpec },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(name, { apiVersion: `${GROUP}/v1`, kind: "TLSRoute", ...args }, opts);
  }
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#tcproutespec */
export type TCPRouteSpec = Omit<TLSRouteSpec, "hostnames">;

/** Those of TCPRoute: Gateway API 1.6 has v1, and stores it; older ones have v1alpha2 alone. */
const VERSIONS = ["v1", "v1alpha2"] as const;
export type TCPRouteVersion = (typeof VERSIONS)[number];

/** `TCPRoute` of gateway.networking.k8s.io. The same object in each version: newer CRDs change it in place. */
export class TCPRoute extends CustomResource {
  constructor(
    name: string,
    version: TCPRouteVersion,
    args: { metadata: types.input.meta.v1.ObjectMeta; spec: TCPRouteSpec },
    opts?: pulumi.CustomResourceOptions,
  ) {
    const others = VERSIONS.filter((other) => other !== version);
    const aliases = others.map((other) => ({ type: `kubernetes:${GROUP}/${other}:TCPRoute` }));
    const all = pulumi.mergeOptions(opts, { aliases });
    super(name, { apiVersion: `${GROUP}/${version}`, kind: "TCPRoute", ...args }, all);
  }
}
