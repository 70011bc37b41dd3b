import type { Service } from "../../config";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { routePatch } from "../shared/envoyPatches";

/**
 * What Istio makes of a replaced prefix on the path `/`, mended: it cuts off the new prefix's last slash, and so sends `/x` as
 * `/v1x`. Undefined where no rule replaces `/`.
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
