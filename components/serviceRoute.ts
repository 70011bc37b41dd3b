import * as pulumi from "@pulumi/pulumi";
import { backendsOf, type Rule, type Service } from "../config";
import type { MatchInput } from "../config/match";
import { HTTPRoute, type HTTPRouteRule, type HTTPRouteSpec, type ValueMatch } from "../kinds/httpRoute";
import { ReferenceGrant, type ReferenceGrantSpec } from "../kinds/referenceGrant";
import { routeFilters } from "./routeFilters";
import { HTTPS_LISTENER, partOf } from "./naming";

export interface ServiceRouteArgs {
  service: Service;
  gatewayName: string;
  gatewayNamespace: string;
  /** Time to live of external-dns records. Unit: seconds. Default: no annotation. */
  dnsTtlSeconds?: number;
}

/** The route of one service, on the https listener, and the grants for backends in other namespaces. */
export class ServiceRoute extends pulumi.ComponentResource {
  constructor(name: string, args: ServiceRouteArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:ServiceRoute", name, {}, opts);
    const { service, gatewayName, dnsTtlSeconds } = args;
    const labels = partOf(gatewayName);
    const grants = Object.entries(grantSpecs(service)).map(
      ([namespace, spec]) =>
        new ReferenceGrant(
          `${name}-${namespace}`,
          { metadata: { name: `${gatewayName}-${service.namespace}-${service.name}`, namespace, labels }, spec },
          { parent: this },
        ),
    );
    const annotations =
      dnsTtlSeconds === undefined ? undefined : { "external-dns.alpha.kubernetes.io/ttl": String(dnsTtlSeconds) };
    new HTTPRoute(
      name,
      {
        metadata: { name: service.name, namespace: service.namespace, labels, annotations },
        spec: routeSpec(args),
      },
      // A route without its grant answers 500.
      { parent: this, dependsOn: grants },
    );
    this.registerOutputs();
  }
}

export function routeSpec({ service, gatewayName, gatewayNamespace }: ServiceRouteArgs): HTTPRouteSpec {
  return {
    parentRefs: [{ name: gatewayName, namespace: gatewayNamespace, sectionName: HTTPS_LISTENER }],
    hostnames: [service.host],
    rules: service.rules.map((rule) => routeRule(rule, service.namespace)),
  };
}

function routeRule(rule: Rule, routeNamespace: string): HTTPRouteRule {
  return {
    name: rule.name,
    matches: [
      {
        path: { type: rule.type, value: rule.path },
        headers: valueMatches(rule.match?.headers),
        queryParams: valueMatches(rule.match?.query),
        method: rule.match?.method,
      },
    ],
    filters: routeFilters(rule, routeNamespace),
    backendRefs: rule.backends.map(({ service, namespace, port, weight }) => ({
      name: service,
      namespace: namespace === routeNamespace ? undefined : namespace,
      port,
      weight,
    })),
    timeouts: { request: rule.timeouts.request },
  };
}

function valueMatches(values: MatchInput["headers"] = {}): ValueMatch[] | undefined {
  const matches = Object.entries(values).map(([name, value]): ValueMatch =>
    typeof value === "string"
      ? { type: "Exact", name, value }
      : { type: "RegularExpression", name, value: value.regex },
  );
  return matches.length === 0 ? undefined : matches;
}

/** By namespace, what the service's route may refer to outside its own. It names each Service: no more is granted. */
export function grantSpecs(service: Service): Record<string, ReferenceGrantSpec> {
  const names = new Map<string, Set<string>>();
  for (const backend of backendsOf(service)) {
    if (backend.namespace !== service.namespace) {
      names.set(backend.namespace, (names.get(backend.namespace) ?? new Set()).add(backend.service));
    }
  }
  return Object.fromEntries(
    [...names].map(([namespace, services]) => [
      namespace,
      {
        from: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: service.namespace }],
        to: [...services].sort().map((name) => ({ group: "", kind: "Service", name })),
      } satisfies ReferenceGrantSpec,
    ]),
  );
}
