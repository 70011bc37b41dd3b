import { isKind, objectName, type ResourcePolicy } from "./policy";
import { isProduction, PRODUCTION_SETTINGS, type ProductionConfig } from "./production";

/** Wherever it is set: for a host, a subset or a port. */
const UNVERIFIED = /"insecureSkipVerify":true/;

export const verifiedBackendsInProduction: ResourcePolicy<ProductionConfig> = {
  name: "verified-backends-in-production",
  description: "In production, TLS to a backend checks its certificate.",
  level: "mandatory",
  settings: PRODUCTION_SETTINGS,
  check: (resource, config) =>
    isKind(resource, "networking.istio.io", "DestinationRule") &&
    isProduction(resource, config) &&
    UNVERIFIED.test(JSON.stringify(resource.props))
      ? [`${objectName(resource)} accepts any certificate of its backend: set ca in place of insecure.`]
      : [],
};
