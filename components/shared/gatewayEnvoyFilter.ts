import type * as pulumi from "@pulumi/pulumi";
import { EnvoyFilter, type EnvoyFilterSpec } from "../../kinds/envoyFilter";
import { partOf } from "./naming";

export interface GatewayEnvoyFilterArgs {
  /** What the filter is for: the object is named `GATEWAY--FEATURE`. */
  feature: string;
  spec: EnvoyFilterSpec;
  gatewayName: string;
  gatewayNamespace: string;
}

/** EnvoyFilter of one feature, beside the gateway whose proxies it patches. */
export class GatewayEnvoyFilter extends EnvoyFilter {
  constructor(name: string, args: GatewayEnvoyFilterArgs, opts?: pulumi.CustomResourceOptions) {
    const { feature, spec, gatewayName, gatewayNamespace: namespace } = args;
    const metadata = { name: `${gatewayName}--${feature}`, namespace, labels: partOf(gatewayName) };
    super(name, { metadata, spec }, opts);
  }
}
