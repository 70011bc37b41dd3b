import { actsOn, type Patch, patchesOf } from "./envoyFilter";
import { objectName, type ResourcePolicy } from "./policy";
import { isProduction, PRODUCTION_SETTINGS, type ProductionConfig } from "./production";

/** Envoy goes by the type of a filter's config, whatever its name, and wherever it is. */
const TYPE = /\.filters\.http\.fault\.v3\.HTTPFault"/;

function hasFault(value: unknown): boolean {
  return TYPE.test(JSON.stringify(value ?? null));
}

/** Whose requests a patch with a fault delays or aborts. */
function victims(patch: Patch): string {
  const rules = actsOn(patch).flatMap(([rule, filter]) => (hasFault(filter) ? [rule] : []));
  const { name = "any rule" } = patch.match?.routeConfiguration?.vhost?.route ?? {};
  return rules.join(", ") || name;
}

export const noFaultInProduction: ResourcePolicy<ProductionConfig> = {
  name: "no-fault-in-production",
  description: "In production, no request is delayed or aborted on purpose.",
  level: "mandatory",
  settings: PRODUCTION_SETTINGS,
  check: (resource, config) =>
    isProduction(resource, config)
      ? patchesOf(resource)
          .filter(({ patch }) => hasFault(patch))
          .map((patch) => `${objectName(resource)} delays or aborts requests of ${victims(patch)}: remove fault.`)
      : [],
};
