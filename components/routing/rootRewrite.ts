import type { Service } from "../../config";
import type { EnvoyFilterSpec } from "../../kinds/envoyFilter";
import { gatewayPatches, routePatch } from "../shared/envoyPatches";

/**
 * What Istio makes of a replaced prefix on the path `/`, mended: it cuts off the new prefix's last slash, and so sends `/x` as
 * `/v1x`. Undefined where no rule replaces `/`.
 */
export function rootRewriteSpec(services: readonly Service[], gatewayName: string): EnvoyFilterSpec | undefined {
  const patches = services.flatMap(({ host, rules }) =>
    rules.flatMap((rule) => {
      const prefix = rule.rewrite?.prefix?.replace(/\/$/, "") ?? "";
      return rule.path !== "/" || prefix === ""
        ? []
        : [routePatch(host, rule, { route: { prefix_rewrite: `${prefix}/` } })];
    }),
  );
  return patches.length === 0 ? undefined : gatewayPatches(gatewayName, 0, patches);
}
