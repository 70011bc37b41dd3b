import type * as pulumi from "@pulumi/pulumi";
import { type ConfigPatch, EnvoyFilter } from "../../kinds/envoyFilter";
import { GATEWAY_NAME_LABEL, type GatewayRef, ownMetadata } from "./naming";

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

/** The EnvoyFilter of one feature. It patches only its gateway's proxies. */
export class GatewayEnvoyFilter extends EnvoyFilter {
  constructor(name: string, args: GatewayEnvoyFilterArgs, opts?: pulumi.CustomResourceOptions) {
    const { feature, gateway, priority, patches } = args;
    const spec = {
      // Not targetRefs: Istio 1.26 and older ignore them, and would patch every proxy in the namespace.
      workloadSelector: { labels: { [GATEWAY_NAME_LABEL]: gateway.name } },
      priority,
      configPatches: patches,
    };
    super(name, { metadata: ownMetadata(gateway, feature), spec }, opts);
  }
}
