/** Names and labels shared by several components, verify and the lab. All derive from the Gateway's name. */

/** The Gateway that an object belongs to. */
export interface GatewayRef {
  /** metadata.name of the Gateway, at most 57 characters. */
  readonly name: string;
  /** Its namespace, in which most of its objects live too. */
  readonly namespace: string;
}

/** Names of the listener that redirects and of the one that serves. */
export const HTTP_LISTENER = "http";
export const HTTPS_LISTENER = "https";
export const HTTP_PORT = 80;
export const HTTPS_PORT = 443;

/** Label on every object of the gateway. https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
export function partOf(gateway: Pick<GatewayRef, "name">): Record<string, string> {
  return { "app.kubernetes.io/part-of": gateway.name };
}

/** Label that Kubernetes puts on every namespace. */
export const NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name";

/** Label that Istio puts on a Gateway's pods. */
export const GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name";

/** Name of the Deployment and the Service that Istio creates for a Gateway. */
export function proxyName(gateway: Pick<GatewayRef, "name">): string {
  return `${gateway.name}-istio`;
}

/** Name of an object of the gateway. Services' names contain no `--`, so it is never a service's. */
export function ownName(gateway: Pick<GatewayRef, "name">, suffix: string): string {
  return `${gateway.name}--${suffix}`;
}

/** Metadata of an object of the gateway, in its namespace. */
export function ownMetadata(gateway: GatewayRef, suffix: string) {
  return { name: ownName(gateway, suffix), namespace: gateway.namespace, labels: partOf(gateway) };
}

/** Suffixes of names that are referred to elsewhere. */
export const SUFFIXES = {
  redirect: "https-redirect",
  infrastructure: "infrastructure",
  clientAuthorities: "client-ca",
  telemetry: "telemetry",
  rateLimitService: "rate-limit",
  rateLimitRedis: "rate-limit-redis",
  rateLimitPassword: "rate-limit-password",
} as const;

/** Names that the wildcard certificate covers: the wildcard, and the apex, which a wildcard does not match. */
export function certificateNames(domain: string): [wildcard: string, apex: string] {
  return [`*.${domain}`, domain];
}

/** Name of the rate limit service's Service and Deployment. */
export function rateLimitServiceName(gateway: Pick<GatewayRef, "name">): string {
  return ownName(gateway, SUFFIXES.rateLimitService);
}

/** Port of that Service. */
export const RATE_LIMIT_PORT = 8081;
