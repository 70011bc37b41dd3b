import { isKind, objectName, type ResourcePolicy } from "./policy";
import { isProduction, PRODUCTION_SETTINGS, type ProductionConfig } from "./production";
import { GATEWAY_API } from "./routes";

interface GatewayProps {
  spec?: { listeners?: { name: string; allowedRoutes?: { namespaces?: { from?: string } } }[] };
}

export const noOpenListenerInProduction: ResourcePolicy<ProductionConfig> = {
  name: "no-open-listener-in-production",
  description: "In production, no listener accepts routes from all namespaces.",
  level: "mandatory",
  settings: PRODUCTION_SETTINGS,
  check: (resource, config) => {
    if (!isKind(resource, GATEWAY_API, "Gateway") || !isProduction(resource, config)) {
      return [];
    }
    const { spec } = resource.props as GatewayProps;
    return (spec?.listeners ?? [])
      .filter(({ allowedRoutes }) => allowedRoutes?.namespaces?.from === "All")
      .map(
        ({ name }) => `listener ${name} of ${objectName(resource)} accepts routes from all namespaces: use Selector.`,
      );
  },
};

export const gatewayProtectedInProduction: ResourcePolicy<ProductionConfig> = {
  name: "gateway-protected-in-production",
  description: "In production, the Gateway is protected from deletion.",
  level: "mandatory",
  settings: PRODUCTION_SETTINGS,
  check: (resource, config) =>
    isKind(resource, GATEWAY_API, "Gateway") && isProduction(resource, config) && !resource.protect
      ? [`${objectName(resource)} can be deleted: set protect: true.`]
      : [],
};
