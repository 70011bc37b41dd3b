import type { types } from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";

/** https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ */
export interface AlertRule {
  alert: string;
  expr: string;
  for: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** The same in PrometheusRule, VMRule and a file of rules. */
export interface RuleGroup {
  name: string;
  rules: AlertRule[];
}

export interface RuleGroupsArgs {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: { groups: RuleGroup[] };
}

/** `PrometheusRule` of monitoring.coreos.com/v1. */
export class PrometheusRule extends CustomResource {
  constructor(name: string, args: RuleGroupsArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "monitoring.coreos.com/v1", kind: "PrometheusRule", ...args }, opts);
  }
}

/** `VMRule` of operator.victoriametrics.com/v1beta1. */
export class VMRule extends CustomResource {
  constructor(name: string, args: RuleGroupsArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { apiVersion: "operator.victoriametrics.com/v1beta1", kind: "VMRule", ...args }, opts);
  }
}
