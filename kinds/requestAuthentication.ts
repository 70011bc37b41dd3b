import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";
import type { PolicyTarget } from "./gatewayReference";

/** https://istio.io/latest/docs/reference/config/security/jwt/#JWTRule */
export interface JWTRule {
  issuer: string;
  audiences?: readonly string[];
  /** A JSON Web Key Set as text. */
  jwks?: string;
  jwksUri?: string;
  fromHeaders: { name: string; prefix: string }[];
  forwardOriginalToken: boolean;
}

/** https://istio.io/latest/docs/reference/config/security/request_authentication/#RequestAuthentication */
export type RequestAuthenticationSpec = PolicyTarget & {
  jwtRules: JWTRule[];
};

export interface RequestAuthenticationArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: RequestAuthenticationSpec;
}

/** `RequestAuthentication` of security.istio.io/v1. */
export class RequestAuthentication extends CustomResource {
  constructor(name: string, args: RequestAuthenticationArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "security.istio.io/v1", kind: "RequestAuthentication", ...args }, opts);
  }
}
