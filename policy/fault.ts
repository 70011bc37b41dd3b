import { isEnvoyFilter, type EnvoyFilterProps } from "./envoyFilter";
import { objectName, type ResourcePolicy } from "./policy";
import { isProduction, PRODUCTION_SETTINGS, type ProductionConfig } from "./production";

/** Envoy goes by the type of a filter's config, whatever its name. */
const TYPE = /\.filters\.http\.fault\.v3\.HTTPFault$/;

function isFault(config: unknown): boolean {
  return TYPE.test(String((config as { "@type"?: unknown } | null)?.["@type"]));
}

export const noFaultInProduction: ResourcePolicy<ProductionConfig> = {
  name: "no-fault-in-production",
  description: "In production, no request is delayed or aborted on purpose.",
  level: "mandatory",
  settings: PRODUCTION_SETTINGS,
  check: (resource, config) => {
    if (!isEnvoyFilter(resource) || !isProduction(resource, config)) {
      return [];
    }
    const patches = (resource.props as EnvoyFilterProps).spec?.configPatches ?? [];
    return patches
      .filter(({ patch }) => Object.values(patch?.value?.typed_per_filter_config ?? {}).some(isFault))
      .map(({ match }) => {
        const { name = "a route" } = match?.routeConfiguration?.vhost?.route ?? {};
        return `${objectName(resource)} delays or aborts requests of ${name}: remove fault.`;
      });
  },
};
