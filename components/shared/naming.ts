import { existingSelector } from "../../config/resolve/infrastructure";
import { contentHash } from "./contentHash";

/**
 * Names and labels shared by several components, verify and the lab. All derive from the Gateway's name, and from its namespace
 * where objects of another Gateway of that name may be.
 */

/** The Gateway that an object belongs to. */
export interface GatewayRef {
  /** metadata.name of the Gateway, at most 57 characters. */
  readonly name: string;
  /** Its namespace, in which most of its objects live too. */
  readonly namespace: string;
  /** The existing ingress gateway that it uses: `gateway.existing`. Default: Istio makes its proxies. */
  readonly existing?: { readonly service: string; readonly selector?: Readonly<Record<string, string>> };
}

/** `NAMESPACE/NAME`: what a Gateway is called where another one of its name may be meant. */
export function qualifiedName({ name, namespace }: GatewayRef): string {
  return `${namespace}/${name}`;
}

/** Name of the listener that redirects. Those that serve have the names of `listenerName()`. */
export const HTTP_LISTENER = "http";

/** Labels on every object of the gateway. https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
export function partOf({ name, namespace }: GatewayRef): Record<string, string> {
  return { "app.kubernetes.io/part-of": name, [GATEWAY_NAMESPACE_LABEL]: namespace };
}

/** With the namespace of the Gateway that an object belongs to. */
export const GATEWAY_NAMESPACE_LABEL = "unified-gateway/gateway-namespace";

/** Label that Kubernetes puts on every namespace. */
export const NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name";

/** Label that Istio puts on a Gateway's pods. */
export const GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name";

/** Name of the Deployment and the Service that Istio creates for a Gateway; with an existing one, of its Service. */
export function proxyName({ name, existing }: Pick<GatewayRef, "name" | "existing">): string {
  return existing?.service ?? `${name}-istio`;
}

/** Labels of a Gateway's Pods. */
export function proxyLabels({ name, existing }: Pick<GatewayRef, "name" | "existing">): Record<string, string> {
  return existing === undefined ? { [GATEWAY_NAME_LABEL]: name } : existingSelector(existing);
}

/** Name of an object of the gateway in its own namespace. Neither Gateways' nor services' names contain `--`. */
export function ownName(gateway: Pick<GatewayRef, "name">, suffix: string): string {
  return `${gateway.name}--${suffix}`;
}

/** Metadata of an object of the gateway, in its namespace. */
export function ownMetadata(gateway: GatewayRef, suffix: string) {
  return { name: ownName(gateway, suffix), namespace: gateway.namespace, labels: partOf(gateway) };
}

/** Name of an object of the gateway in a namespace where other Gateways, of this name too, have theirs. No part has a dot. */
export function sharedName({ name, namespace }: GatewayRef, prefix: string): string {
  return `${prefix}.${name}.${namespace}`;
}

/** Suffixes of names that are referred to elsewhere. */
export const SUFFIXES = {
  redirect: "https-redirect",
  infrastructure: "infrastructure",
  proxies: "proxies",
  clientAuthorities: "client-ca",
  telemetry: "telemetry",
  rateLimitService: "rate-limit",
  rateLimitRedis: "rate-limit-redis",
  rateLimitPassword: "rate-limit-password",
} as const;

/** Name of the rate limit service's Service and Deployment. @param namespace Where they are. */
export function rateLimitServiceName(gateway: GatewayRef, namespace: string): string {
  return workloadName(gateway, SUFFIXES.rateLimitService, namespace);
}

/** Name of a Deployment and its Service, which may have no dot: in another namespace than the Gateway's with a hash of that. */
export function workloadName(gateway: GatewayRef, suffix: string, namespace: string): string {
  const name = ownName(gateway, suffix);
  return namespace === gateway.namespace ? name : `${name}-${contentHash(gateway.namespace)}`;
}

/** Port of that Service. */
export const RATE_LIMIT_PORT = 8081;
