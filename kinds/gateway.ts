import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";

/** Namespaces, by the label that is their name. */
export interface NamespaceNames {
  from: "Selector";
  selector: { matchExpressions: { key: string; operator: "In"; values: string[] }[] };
}

/** One port of a Gateway. https://gateway-api.sigs.k8s.io/reference/spec/#listener */
export interface Listener {
  name: string;
  port: number;
  protocol: "HTTP" | "HTTPS" | "TLS" | "TCP";
  hostname?: pulumi.Input<string>;
  allowedRoutes: {
    namespaces: { from: "Same" | "All" } | NamespaceNames;
  };
  tls?: {
    mode: "Terminate" | "Passthrough";
    /** At most two, with keys of different algorithms. */
    certificateRefs?: { name: pulumi.Input<string> }[];
    options?: Record<string, string>;
  };
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#gatewayspec */
export interface GatewaySpec {
  gatewayClassName: string;
  addresses?: { type: "IPAddress" | "Hostname"; value: string }[];
  listeners: Listener[];
  /** Metadata for what Istio creates for the Gateway: its Deployment, pods and Service. */
  infrastructure?: {
    annotations?: Record<string, string>;
    parametersRef?: { group: string; kind: string; name: string };
  };
  tls?: GatewayTLSConfig;
  /** Whose ListenerSets may attach. */
  allowedListeners?: { namespaces: NamespaceNames };
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#gatewaytlsconfig */
export interface GatewayTLSConfig {
  frontend: {
    default: {
      validation: {
        caCertificateRefs: { group: ""; kind: "ConfigMap"; name: pulumi.Input<string> }[];
        mode: "AllowValidOnly" | "AllowInsecureFallback";
      };
    };
  };
}

export interface GatewayStatus {
  addresses?: { type?: string; value: string }[];
}

export interface GatewayArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: GatewaySpec;
}

/** `Gateway` of gateway.networking.k8s.io/v1. */
export class Gateway extends CustomResource {
  declare readonly status: pulumi.Output<GatewayStatus | undefined>;

  constructor(name: string, args: GatewayArgs, opts?: pulumi.CustomResourceOptions) {
    // Pulumi creates an output for every property listed here, so `status` is listed too.
    super(name, { apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway", ...args, status: undefined }, opts);
  }
}
