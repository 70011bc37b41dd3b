import { isKind, objectName, type Resource, type ResourcePolicy } from "./policy";

export interface EnvoyFilterProps {
  spec?: {
    targetRefs?: { kind?: string }[];
    configPatches?: {
      applyTo?: string;
      match?: { routeConfiguration?: { vhost?: { route?: { name?: string } } } };
      patch?: {
        value?: { route?: { rate_limits?: unknown[] }; typed_per_filter_config?: Record<string, unknown> };
      };
    }[];
  };
}

export function isEnvoyFilter(resource: Resource): boolean {
  return isKind(resource, "networking.istio.io", "EnvoyFilter");
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
    const { targetRefs = [] } = (resource.props as EnvoyFilterProps).spec ?? {};
    const types = resource.urn.split("::")[2] ?? "";
    return [
      ...(types.includes(COMPONENT) ? [] : [`${objectName(resource)} is not one of the gateway's own.`]),
      ...(targetRefs.length > 0 && targetRefs.every(({ kind }) => kind === "Gateway")
        ? []
        : [`${objectName(resource)} patches proxies other than the gateway's: name it in targetRefs.`]),
    ];
  },
};
