import * as pulumi from "@pulumi/pulumi";
import { backendsOf, type Rule, type Service } from "../../config";
import { GRPCRoute } from "../../kinds/grpcRoute";
import { HTTPRoute, type HTTPRouteRule, type HTTPRouteSpec } from "../../kinds/httpRoute";
import { ReferenceGrant } from "../../kinds/referenceGrant";
import { routeAnnotations } from "../shared/externalDns";
import { type GatewayRef, partOf, sharedName } from "../shared/naming";
import { grantName, grantSpecs } from "./grants";
import { grpcRouteSpec } from "./grpcRoute";
import { hostRedirectSpecs } from "./hostRedirects";
import { routeFilters } from "./routeFilters";
import { attachment, requestBackendRefs, type RouteArgs, valueMatches } from "./routeParts";

export interface RoutesArgs {
  /** What is served: `services` of `gatewayConfig()`. */
  services: readonly Service<number>[];
  /** The Gateway that the routes attach to. */
  gateway: GatewayRef;
  /**
   * What guards all services, such as the `policies` of an `Access` and `envoyFilters`: it is created before the routes, and deleted
   * after them. A dependency of this component would order only the creation. Default: nothing.
   */
  guards?: pulumi.Resource[];
  /**
   * What guards one service, such as `policiesOf` of a `BackendPolicy`. As `guards`, each route would depend on what all others have:
   * with 1,000 services that is a million dependencies. Default: nothing.
   */
  guardsOf?: (service: Service) => pulumi.Resource[];
}

/** The routes of each service, on the listeners of its hosts, and the grants for backends in other namespaces. */
export class Routes extends pulumi.ComponentResource {
  constructor(name: string, args: RoutesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:Routes", name, {}, opts);
    const { services, gateway, guards = [], guardsOf = () => [] } = args;
    const labels = partOf(gateway);
    for (const service of services) {
      const routeName = `${name}-${service.name}`;
      const grants = Object.entries(
        grantSpecs(service.protocol === "grpc" ? "GRPCRoute" : "HTTPRoute", service.namespace, backendsOf(service)),
      ).map(
        ([key, spec]) =>
          new ReferenceGrant(
            // Services' names are unique and contain no `--`, so no two grants have the same name.
            `${routeName}--${key}`,
            { metadata: { name: grantName(gateway, service, spec), namespace: key.split(".")[0], labels }, spec },
            { parent: this },
          ),
      );
      const metadata = {
        name: sharedName(gateway, service.name),
        namespace: service.namespace,
        labels,
        annotations: routeAnnotations(service.externalDns),
      };
      // A route without its grant responds with 500; without its guards, it is open.
      const last = { parent: this, dependsOn: [...grants, ...guards, ...guardsOf(service)] };
      if (service.protocol === "grpc") {
        new GRPCRoute(routeName, { metadata, spec: grpcRouteSpec({ ...args, service }) }, last);
      } else {
        new HTTPRoute(routeName, { metadata, spec: routeSpec({ ...args, service }) }, last);
      }
      for (const [key, spec] of Object.entries(hostRedirectSpecs({ ...args, service }))) {
        const own = { ...metadata, name: sharedName(gateway, `${service.name}--${key}`) };
        new HTTPRoute(`${routeName}--${key}`, { metadata: own, spec }, { parent: this, dependsOn: guards });
      }
    }
    this.registerOutputs();
  }
}

/** What a service's route may refer to outside its own namespace: see `grantSpecs`. */
export function grantsOf(service: Service): ReturnType<typeof grantSpecs> {
  return grantSpecs(service.protocol === "grpc" ? "GRPCRoute" : "HTTPRoute", service.namespace, backendsOf(service));
}

export function routeSpec(args: RouteArgs): HTTPRouteSpec {
  const { service } = args;
  return { ...attachment(args), rules: service.rules.map((rule) => routeRule(rule, service)) };
}

function routeRule(rule: Rule<number>, service: Service): HTTPRouteRule {
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
    filters: routeFilters(rule, service),
    ...(rule.backends.length === 0
      ? {}
      : {
          backendRefs: requestBackendRefs(rule, service.namespace),
          // Istio would limit the whole request to backendRequest, unless there is a retry: `retry` limits the try.
          timeouts: { request: rule.timeouts.request },
        }),
    // The Gateway API cannot turn retries off: an EnvoyFilter does.
    retry: rule.retry === false ? undefined : rule.retry,
  };
}
