import type { Rule, Service } from "../../config";
import type { Match } from "../../config/schema/routing/match";
import type { HTTPBackendRef, ParentReference, ValueMatch } from "../../kinds/httpRoute";
import { type GatewayRef, HTTPS_LISTENER } from "../shared/naming";

/** What all kinds of routes have in common. */

export interface RouteArgs {
  service: Service;
  gateway: GatewayRef;
}

/** The listener and the host of a service's route. */
export function attachment({ service, gateway }: RouteArgs): {
  parentRefs: ParentReference[];
  hostnames: string[];
} {
  return {
    parentRefs: [{ name: gateway.name, namespace: gateway.namespace, sectionName: HTTPS_LISTENER }],
    hostnames: [service.host],
  };
}

export function backendRefs(rule: Rule, routeNamespace: string): HTTPBackendRef[] {
  return rule.backends.map(({ service, namespace, port, weight }) => ({
    name: service,
    namespace: namespace === routeNamespace ? undefined : namespace,
    port,
    weight,
  }));
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
