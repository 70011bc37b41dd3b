import * as pulumi from "@pulumi/pulumi";
import { isExternal, type Service, type Target, targetsOf } from "../../config";
import type { LoadBalancing } from "../../config/schema/backends/loadBalancing";
import { type BackendTls, isBackendsOwn } from "../../config/schema/backends/tls";
import type { TrafficPolicy } from "../../config/schema/backends/trafficPolicy";
import {
  type ClientTls,
  DestinationRule,
  type DestinationRuleSpec,
  type TrafficPolicy as IstioTrafficPolicy,
} from "../../kinds/destinationRule";
import { type GatewayRef, ownMetadata, proxyLabels } from "../shared/naming";
import { externalKey } from "./externalHosts";

export interface BackendPolicyArgs {
  /** Services with their `trafficPolicy`: `services` of `gatewayConfig()`. Those without one get no object. */
  services: readonly Service[];
  /** The Gateway that connects to the backends. The DestinationRules live in its namespace. */
  gateway: GatewayRef;
}

/**
 * Connection pool, outlier detection, load balancing and TLS of the services' backends: one DestinationRule per Service or host, in the
 * Gateway's namespace, where Istio looks first, and only for the Gateway's own proxies. Without a selector, Istio would use the
 * oldest one for a host, and ignore that of another Gateway in the namespace.
 */
export class BackendPolicy extends pulumi.ComponentResource {
  private readonly rules: ReadonlyMap<string, DestinationRule>;

  constructor(name: string, args: BackendPolicyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:BackendPolicy", name, {}, opts);
    const { services, gateway } = args;
    this.rules = new Map(
      Object.entries(destinationRules(services, gateway)).map(([key, spec]) => [
        key,
        new DestinationRule(`${name}-${key}`, { metadata: ownMetadata(gateway, key), spec }, { parent: this }),
      ]),
    );
    this.registerOutputs();
  }

  /** What a service's backends have, to depend on: for `guardsOf` of `Routes`. */
  policiesOf(service: Service): DestinationRule[] {
    return targetsOf(service).flatMap((target) => this.rules.get(keyOf(target)) ?? []);
  }
}

/**
 * By `SERVICE.NAMESPACE`, neither of which contains a dot, or the key of a host outside the cluster. Services that share a backend have the same policy: the config check ensures
 * it.
 */
export function destinationRules(
  services: readonly Service[],
  gateway: Pick<GatewayRef, "name" | "namespace">,
): Record<string, DestinationRuleSpec> {
  const rules: Record<string, DestinationRuleSpec> = {};
  for (const service of services) {
    const { protocol } = service;
    for (const target of targetsOf(service)) {
      const policy = policyFor(target, service.trafficPolicy);
      if (Object.keys(policy).length === 0) {
        continue;
      }
      rules[keyOf(target)] = {
        host: hostOf(target),
        exportTo: ["."],
        workloadSelector: { matchLabels: proxyLabels(gateway) },
        trafficPolicy: toTrafficPolicy(policy, { namespace: gateway.namespace, protocol }),
      };
    }
  }
  return rules;
}

/** What leaves the cluster is protected unless the config says otherwise: by a certificate for the host, of a CA that browsers trust. */
function policyFor(target: Target, policy: TrafficPolicy): TrafficPolicy {
  return policy.tls === undefined && isExternal(target)
    ? { ...policy, tls: { mode: "SIMPLE", sni: target.host } }
    : policy;
}

function keyOf(target: Target): string {
  return isExternal(target) ? externalKey(target.host) : `${target.service}.${target.namespace}`;
}

/** Istio applies a DestinationRule only to the fully qualified host. */
function hostOf(target: Target): string {
  return isExternal(target) ? target.host : `${target.service}.${target.namespace}.svc.cluster.local`;
}

/** @param where Where the Secrets and ConfigMaps are that it names, and what clients speak. */
export function toTrafficPolicy(
  policy: TrafficPolicy,
  { namespace, protocol }: { namespace: string; protocol: Service["protocol"] },
): IstioTrafficPolicy {
  const { connections, outlierDetection, loadBalancing, retryBudget, tls } = policy;
  // gRPC needs HTTP/2. Ports whose protocol is https get HTTP/1.1, and no port says both.
  const upgraded = protocol === "grpc" && isBackendsOwn(tls);
  const http = {
    http1MaxPendingRequests: connections?.maxPendingRequests,
    http2MaxRequests: connections?.maxRequests,
    maxRequestsPerConnection: connections?.maxRequestsPerConnection,
    maxRetries: connections?.maxRetries,
    h2UpgradePolicy: upgraded ? ("UPGRADE" as const) : undefined,
  };
  const tcp = connections && {
    maxConnections: connections.maxConnections,
    connectTimeout: connections.connectTimeout,
  };
  return {
    connectionPool: connections || upgraded ? { tcp, http } : undefined,
    outlierDetection,
    // Undefined leaves the choice to auto mTLS; setting a mode would disable it.
    tls: tls && toTls(tls, namespace),
    loadBalancer: loadBalancing && toLoadBalancer(loadBalancing),
    retryBudget,
  };
}

function toTls(tls: BackendTls, namespace: string): ClientTls {
  if (!isBackendsOwn(tls)) {
    return tls;
  }
  const { mode, sni, insecure, subjectAltNames } = tls;
  return {
    mode,
    sni,
    ...(tls.mode === "MUTUAL" ? { credentialName: tls.credentialName } : toAuthority(tls, namespace)),
    ...(insecure === true
      ? { insecureSkipVerify: true }
      : // With a name of its own in the handshake, Istio checks no name in the certificate.
        { subjectAltNames: subjectAltNames ?? (sni === undefined ? undefined : [sni]) }),
  };
}

function toAuthority(
  { ca, insecure }: Extract<BackendTls, { mode: "SIMPLE" }>,
  namespace: string,
): Pick<ClientTls, "caCertificates" | "credentialName"> {
  if (ca === undefined) {
    // Whatever Istio's own default is.
    return insecure === true ? {} : { caCertificates: "system" };
  }
  return { credentialName: ca.kind === "Secret" ? ca.name : `configmap://${namespace}/${ca.name}` };
}

function toLoadBalancer(loadBalancing: LoadBalancing): IstioTrafficPolicy["loadBalancer"] {
  if (loadBalancing.type !== "CONSISTENT_HASH") {
    const { type, warmup } = loadBalancing;
    return { simple: type, warmup: warmup === undefined ? undefined : { duration: warmup } };
  }
  const { key } = loadBalancing;
  switch (key.type) {
    case "header":
      return { consistentHash: { httpHeaderName: key.name } };
    case "cookie": {
      // Clients reach the service only over TLS; Envoy adds HttpOnly itself.
      const attributes = [{ name: "Secure" }];
      return { consistentHash: { httpCookie: { name: key.name, path: "/", ttl: key.ttl, attributes } } };
    }
    case "source-address":
      return { consistentHash: { useSourceIp: true } };
  }
}
