import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";

interface MutualTLS {
  mode: "STRICT" | "PERMISSIVE";
}

/** https://istio.io/latest/docs/reference/config/security/peer_authentication/#PeerAuthentication */
export interface PeerAuthenticationSpec {
  selector?: { matchLabels: Record<string, string> };
  mtls: MutualTLS;
  /** By port of the workload. */
  portLevelMtls?: Record<string, MutualTLS>;
}

export interface PeerAuthenticationArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: PeerAuthenticationSpec;
}

/** `PeerAuthentication` of security.istio.io/v1. */
export class PeerAuthentication extends CustomResource {
  constructor(name: string, args: PeerAuthenticationArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "security.istio.io/v1", kind: "PeerAuthentication", ...args }, opts);
  }
}
