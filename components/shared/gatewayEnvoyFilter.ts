import type * as pulumi from "@pulumi/pulumi";
import { type ConfigPatch, EnvoyFilter } from "../../kinds/envoyFilter";
import { gatewayTarget } from "./gatewayTarget";
import { type GatewayRef, ownMetadata } from "./naming";

export interface GatewayEnvoyFilterArgs {
  /** What the filter is for. The object is named `GATEWAY--FEATURE`. */
  feature: string;
  /** The Gateway whose proxies are patched. The filter lives in its namespace. */
  gateway: GatewayRef;
  /**
   * Istio applies EnvoyFilters from the lowest priority to the highest; an integer from -2147483648 to 2147483647, but 0. Those
   * of `ENVOY_FILTERS` have 10, 20, 30 and so on.
   */
  priority: number;
  /** Istio's `configPatches`, as they are applied. */
  patches: ConfigPatch[];
}

/** The EnvoyFilter of one feature. It patches only its gateway's proxies. Needs Istio 1.27: older ones patch every proxy with it. */
export class GatewayEnvoyFilter extends EnvoyFilter {
  constructor(name: string, args: GatewayEnvoyFilterArgs, opts?: pulumi.CustomResourceOptions) {
    const { feature, gateway, priority, patches } = args;
    const target = gatewayTarget(gateway);
    const spec = {
      ...(target.selector === undefined ? target : { workloadSelector: { labels: target.selector.matchLabels } }),
      priority,
      configPatches: patches,
    };
    super(name, { metadata: ownMetadata(gateway, feature), spec }, opts);
  }
}
