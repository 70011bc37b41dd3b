/**
 * Names and labels that several components agree on. Everything derives from the Gateway's name.
 */

/** Name of the listener that redirects, and of the one that serves. */
export const HTTP_LISTENER = "http";
export const HTTPS_LISTENER = "https";
export const HTTP_PORT = 80;
export const HTTPS_PORT = 443;

/** Label on every object of the gateway. https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
export function partOf(gatewayName: string): Record<string, string> {
  return { "app.kubernetes.io/part-of": gatewayName };
}

/** Label on a namespace whose routes may attach to the Gateway. */
export function routesLabel(gatewayName: string): Record<string, string> {
  return { [`unified-gateway/${gatewayName}`]: "routes" };
}

/** Names that the wildcard certificate covers: the wildcard and the apex, since a wildcard does not match the apex. */
export function certificateNames(domain: string): string[] {
  return [`*.${domain}`, domain];
}
