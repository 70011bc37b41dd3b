import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";

/** https://istio.io/latest/docs/reference/config/networking/service-entry/#ServiceEntry */
export interface ServiceEntrySpec {
  hosts: string[];
  location: "MESH_EXTERNAL";
  resolution: "DNS" | "STATIC";
  ports: { number: number; name: string; protocol: "HTTP" | "GRPC" | "TCP" | "TLS" }[];
  /** Absent: what DNS says. */
  endpoints?: { address: string }[];
  exportTo: string[];
}

export interface ServiceEntryArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: ServiceEntrySpec;
}

/** `ServiceEntry` of networking.istio.io/v1. */
export class ServiceEntry extends CustomResource {
  constructor(name: string, args: ServiceEntryArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "networking.istio.io/v1", kind: "ServiceEntry", ...args }, opts);
  }
}
