import { GATEWAY_NAME_LABEL } from "../components/shared/naming";
import { isKind, objectName, type Resource, type ResourcePolicy } from "./policy";

interface EnvoyFilterProps {
  spec?: {
    targetRefs?: { kind?: string }[];
    workloadSelector?: { labels?: Record<string, string> };
    configPatches?: Patch[];
  };
}

export interface Patch {
  applyTo?: string;
  match?: { routeConfiguration?: { vhost?: { route?: { name?: string } } } };
  patch?: {
    value?: { typed_config?: { xds_matcher?: Matcher } };
  };
}

interface Matcher {
  matcher_tree?: { exact_match_map?: { map?: Record<string, Entry | undefined> } };
}

/** What a map does with the requests of one host or rule. */
interface Entry {
  /** The rules of a host. */
  matcher?: Matcher;
  action?: { typed_config?: { typed_config?: { typed_config?: FilterConfig } } };
}

/** The config of one of Envoy's HTTP filters. */
export interface FilterConfig {
  "@type"?: string;
  [field: string]: unknown;
}

function isEnvoyFilter(resource: Resource): boolean {
  return isKind(resource, "networking.istio.io", "EnvoyFilter");
}

/** The patches of an EnvoyFilter; none of another resource. */
export function patchesOf(resource: Resource): readonly Patch[] {
  return isEnvoyFilter(resource) ? ((resource.props as EnvoyFilterProps).spec?.configPatches ?? []) : [];
}

/** The hosts or rules that a patch has a filter for, and that filter's config. */
export function actsOn({ applyTo, patch }: Patch): [key: string, filter: FilterConfig][] {
  return applyTo === "EXTENSION_CONFIG" ? filtersIn(patch?.value?.typed_config?.xds_matcher) : [];
}

function filtersIn(matcher: Matcher | undefined): [key: string, filter: FilterConfig][] {
  return Object.entries(matcher?.matcher_tree?.exact_match_map?.map ?? {}).flatMap(([key, entry]) => {
    const filter = entry?.action?.typed_config?.typed_config?.typed_config;
    return [...(filter === undefined ? [] : [[key, filter] as [string, FilterConfig]]), ...filtersIn(entry?.matcher)];
  });
}

/** The component that creates all of the program's EnvoyFilters. */
const COMPONENT = "istio-gateway:index:UnifiedGateway$";

export const noForeignEnvoyFilter: ResourcePolicy = {
  name: "no-foreign-envoy-filter",
  description: "EnvoyFilters are the gateway's own and patch only its proxies.",
  level: "mandatory",
  check: (resource) => {
    if (!isEnvoyFilter(resource)) {
      return [];
    }
    const { targetRefs = [], workloadSelector = {} } = (resource.props as EnvoyFilterProps).spec ?? {};
    // The Pods of an existing gateway, by its own labels. In Istio's root namespace, that of a Gateway's name selects others too.
    const labels = Object.keys(workloadSelector.labels ?? {});
    const selects = labels.length > 0 && !labels.includes(GATEWAY_NAME_LABEL);
    const types = resource.urn.split("::")[2] ?? "";
    return [
      ...(types.includes(COMPONENT) ? [] : [`${objectName(resource)} is not one of the gateway's own.`]),
      ...((targetRefs.length > 0 && targetRefs.every(({ kind }) => kind === "Gateway")) || selects
        ? []
        : [`${objectName(resource)} patches proxies other than the gateway's: name it in targetRefs.`]),
    ];
  },
};
