import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";
import type { PolicyTarget } from "./gatewayReference";

/** https://istio.io/latest/docs/reference/config/security/authorization-policy/#Rule */
export interface AuthorizationRule {
  from?: {
    source: {
      notIpBlocks?: readonly string[];
      remoteIpBlocks?: readonly string[];
      notRemoteIpBlocks?: readonly string[];
    };
  }[];
  to?: { operation: { ports: readonly string[] } }[];
  when?: AuthorizationCondition[];
}

/** https://istio.io/latest/docs/reference/config/security/authorization-policy/#Condition */
export interface AuthorizationCondition {
  key: string;
  values: readonly string[];
}

/** https://istio.io/latest/docs/reference/config/security/authorization-policy/#AuthorizationPolicy */
export type AuthorizationPolicySpec = PolicyTarget & {
  rules: AuthorizationRule[];
} & ({ action: "DENY" } | { action: "CUSTOM"; provider: { name: string } });

export interface AuthorizationPolicyArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: AuthorizationPolicySpec;
}

/** `AuthorizationPolicy` of security.istio.io/v1. */
export class AuthorizationPolicy extends CustomResource {
  constructor(name: string, args: AuthorizationPolicyArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy", ...args }, opts);
  }
}
