import type { Service } from "../../config";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { routePatch } from "../shared/envoyPatches";

/**
 * Fixes Istio's translation of a prefix rewrite on the path `/`: it strips the new prefix's trailing slash, so `/x` becomes
 * `/v1x`. Empty if no rule rewrites `/`.
 */
export function rootRewritePatches(services: readonly Service[]): ConfigPatch[] {
  return services.flatMap(({ host, rules }) =>
    rules.flatMap((rule) => {
      const prefix = rule.rewrite?.prefix?.replace(/\/$/, "") ?? "";
      return rule.path !== "/" || prefix === ""
        ? []
        : [routePatch(host, rule, { route: { prefix_rewrite: `${prefix}/` } })];
    }),
  );
}
