import { isExternal, type Rule, type Service } from "../../config";
import { ANY_HOST } from "../../config/resolve/domains";
import type { Host } from "../../config/resolve/model";
import type { Match } from "../../config/schema/routing/match";
import type { HTTPBackendRef, ParentReference, ValueMatch } from "../../kinds/httpRoute";
import type { GatewayRef } from "../shared/naming";

/** What all kinds of routes have in common. */

export interface RouteArgs {
  service: Service<number>;
  gateway: GatewayRef;
}

/** The listeners and the hosts of a route. @param hosts Default: those that the service serves. */
export function attachment({ service, gateway }: RouteArgs, hosts = service.hosts.filter(isServed)): Attachment {
  const { name, namespace } = gateway;
  return {
    parentRefs: [
      ...new Set(hosts.flatMap(({ listener, plainListener }) => [listener, plainListener ?? []].flat())),
    ].map((sectionName) => ({ name, namespace, sectionName })),
    hostnames: hosts.some(({ host }) => host === ANY_HOST) ? undefined : hosts.map(({ host }) => host),
  };
}

interface Attachment {
  readonly parentRefs: ParentReference[];
  /** Undefined: every host. */
  readonly hostnames: string[] | undefined;
}

function isServed({ redirect }: Host): boolean {
  return redirect === undefined;
}

export function backendRefs(rule: Pick<Rule<number>, "backends">, routeNamespace: string): HTTPBackendRef[] {
  return rule.backends.map((backend) => {
    const { port, weight } = backend;
    if (isExternal(backend)) {
      return { ...HOSTNAME, name: backend.host, port, weight };
    }
    const { service: name, namespace } = backend;
    return { name, namespace: namespace === routeNamespace ? undefined : namespace, port, weight };
  });
}

/**
 * Istio's reference to a ServiceEntry of the route's own namespace, by its host.
 * https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/
 */
const HOSTNAME = { group: "networking.istio.io", kind: "Hostname" } as const;

/** The same of requests: a host outside the cluster sees its own name. Istio lets a rewrite of the whole rule win. */
export function requestBackendRefs(rule: Pick<Rule<number>, "backends">, routeNamespace: string): HTTPBackendRef[] {
  return backendRefs(rule, routeNamespace).map((ref, index) => {
    const backend = rule.backends[index];
    return backend === undefined || !isExternal(backend) || backend.address !== undefined
      ? ref
      : { ...ref, filters: [hostFilter(backend.host)] };
  });
}

function hostFilter(value: string): NonNullable<HTTPBackendRef["filters"]>[number] {
  return { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "Host", value }] } };
}

/** Undefined if there are no conditions. */
export function valueMatches(values: Match["headers"] = {}): ValueMatch[] | undefined {
  const matches = Object.entries(values).map(([name, value]): ValueMatch =>
    typeof value === "string"
      ? { type: "Exact", name, value }
      : { type: "RegularExpression", name, value: value.regex },
  );
  return matches.length === 0 ? undefined : matches;
}
