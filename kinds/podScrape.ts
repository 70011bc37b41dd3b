import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";

/**
 * What PodMonitor and VMPodScrape have in common.
 * https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitorSpec
 * https://docs.victoriametrics.com/operator/api/#vmpodscrapespec
 */
export interface PodScrapeSpec {
  selector: { matchLabels: Record<string, string> };
  podTargetLabels: string[];
  podMetricsEndpoints: { port: string; path: string; interval: string }[];
}

export interface PodScrapeArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: PodScrapeSpec;
}

/** `PodMonitor` of monitoring.coreos.com/v1. */
export class PodMonitor extends CustomResource {
  constructor(name: string, args: PodScrapeArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "monitoring.coreos.com/v1", kind: "PodMonitor", ...args }, opts);
  }
}

/** `VMPodScrape` of operator.victoriametrics.com/v1beta1. */
export class VMPodScrape extends CustomResource {
  constructor(name: string, args: PodScrapeArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "operator.victoriametrics.com/v1beta1", kind: "VMPodScrape", ...args }, opts);
  }
}
