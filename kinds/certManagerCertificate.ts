import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";

/** https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.CertificateSpec */
export interface CertManagerCertificateSpec {
  secretName: string;
  dnsNames: pulumi.Input<string[]>;
  issuerRef: { group: "cert-manager.io"; kind: "ClusterIssuer" | "Issuer"; name: string };
  privateKey: { algorithm: "RSA" | "ECDSA"; size: number; rotationPolicy: "Always" };
  usages: string[];
}

export interface CertManagerCertificateArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: CertManagerCertificateSpec;
}

/** `Certificate` of cert-manager.io/v1. */
export class CertManagerCertificate extends CustomResource {
  constructor(name: string, args: CertManagerCertificateArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "cert-manager.io/v1", kind: "Certificate", ...args }, opts);
  }
}
