import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";

/** https://gateway-api.sigs.k8s.io/reference/spec/#referencegrantspec */
export interface ReferenceGrantSpec {
  from: {
    group: "gateway.networking.k8s.io";
    kind: "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute";
    namespace: string;
  }[];
  to: { group: ""; kind: "Service"; name: string }[];
}

export interface ReferenceGrantArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: ReferenceGrantSpec;
}

/** `ReferenceGrant` of gateway.networking.k8s.io/v1beta1: the version that every release of the Gateway API serves. */
export class ReferenceGrant extends CustomResource {
  constructor(name: string, args: ReferenceGrantArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "gateway.networking.k8s.io/v1beta1", kind: "ReferenceGrant", ...args }, opts);
  }
}
