import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";

/** https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy */
export interface TrafficPolicy {
  connectionPool?: {
    tcp?: { maxConnections?: number; connectTimeout?: string };
    http?: {
      http1MaxPendingRequests?: number;
      http2MaxRequests?: number;
      maxRequestsPerConnection?: number;
      maxRetries?: number;
      h2UpgradePolicy?: "UPGRADE";
    };
  };
  outlierDetection?: {
    consecutive5xxErrors: number;
    interval: string;
    baseEjectionTime: string;
    maxEjectionPercent: number;
  };
  tls?: ClientTls;
  loadBalancer?:
    | { simple: "LEAST_REQUEST" | "ROUND_ROBIN" | "RANDOM"; warmup?: { duration: string } }
    | { consistentHash: ConsistentHash };
  retryBudget?: { percent: number; minRetryConcurrency: number };
}

/** https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings */
export interface ClientTls {
  mode: "DISABLE" | "ISTIO_MUTUAL" | "SIMPLE" | "MUTUAL";
  /** A Secret in the proxy's namespace, or `configmap://NAMESPACE/NAME`. */
  credentialName?: string;
  /** A path in the proxy, or `system` for the CAs of its image. */
  caCertificates?: string;
  sni?: string;
  subjectAltNames?: readonly string[];
  insecureSkipVerify?: boolean;
}

/** https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB */
export type ConsistentHash =
  | { httpHeaderName: string }
  | { httpCookie: { name: string; path: string; ttl: string; attributes: { name: string; value?: string }[] } }
  | { useSourceIp: true };

/** https://istio.io/latest/docs/reference/config/networking/destination-rule/#DestinationRule */
export interface DestinationRuleSpec {
  host: string;
  exportTo: string[];
  workloadSelector: { matchLabels: Record<string, string> };
  trafficPolicy: TrafficPolicy;
}

export interface DestinationRuleArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: DestinationRuleSpec;
}

/** `DestinationRule` of networking.istio.io/v1. */
export class DestinationRule extends CustomResource {
  constructor(name: string, args: DestinationRuleArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "networking.istio.io/v1", kind: "DestinationRule", ...args }, opts);
  }
}
