import type { Service } from "../../config";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { firstFilterPatch } from "../shared/envoyPatches";

/** The name of Istio's own filter, which comes after those that refuse: what routes say about CORS is for both. */
const FILTER = "envoy.filters.http.cors";
const TYPE = "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors";

/**
 * Envoy's CORS filter in front of everything that refuses requests: it answers preflights, which browsers send without
 * credentials, and tells pages of allowed origins the status of a refusal. Empty if no service has `cors`.
 */
export function corsPatches(services: readonly Service[]): ConfigPatch[] {
  const isUsed = services.some(({ rules }) => rules.some(({ cors }) => cors !== undefined));
  return isUsed ? [firstFilterPatch(FILTER, { "@type": TYPE })] : [];
}
