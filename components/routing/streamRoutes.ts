import * as pulumi from "@pulumi/pulumi";
import type { Stream } from "../../config/resolve/model";
import { ReferenceGrant } from "../../kinds/referenceGrant";
import { TCPRoute, type TCPRouteVersion, TLSRoute, type TLSRouteSpec } from "../../kinds/streamRoutes";
import { routeAnnotations } from "../shared/externalDns";
import { type GatewayRef, partOf, sharedName } from "../shared/naming";
import { grantName, grantSpecs } from "./grants";
import { backendRefs } from "./routeParts";

export interface StreamRoutesArgs {
  /** What is passed on: `streams` of `gatewayConfig()`. */
  streams: readonly Stream<number>[];
  /** The Gateway that the routes attach to. */
  gateway: GatewayRef;
  /** Version of TCPRoute that the cluster's CRDs have: `tcpRouteVersion()`. Default: v1, of Gateway API 1.6. */
  tcpRouteVersion?: TCPRouteVersion;
  /** What guards them, such as the `policies` of an `Access`: it is created before the routes, and deleted after them. */
  guards?: pulumi.Resource[];
}

/** The route of each stream, TLS by server name or TCP by port, and the grants for backends in other namespaces. */
export class StreamRoutes extends pulumi.ComponentResource {
  constructor(name: string, args: StreamRoutesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:StreamRoutes", name, {}, opts);
    const { streams, gateway, tcpRouteVersion = "v1", guards = [] } = args;
    const labels = partOf(gateway);
    for (const stream of streams) {
      const kind = stream.protocol === "tcp" ? "TCPRoute" : "TLSRoute";
      const grants = Object.entries(grantSpecs(kind, stream.namespace, stream.backends)).map(
        ([key, spec]) =>
          new ReferenceGrant(
            `${name}-${stream.name}--${key}`,
            { metadata: { name: grantName(gateway, stream, spec), namespace: key.split(".")[0], labels }, spec },
            { parent: this },
          ),
      );
      const metadata = {
        name: sharedName(gateway, stream.name),
        namespace: stream.namespace,
        labels,
        annotations: routeAnnotations(stream.externalDns),
      };
      const last = { parent: this, dependsOn: [...grants, ...guards] };
      const { hostnames, ...spec } = streamRouteSpec(stream, gateway);
      if (stream.protocol === "tcp") {
        new TCPRoute(`${name}-${stream.name}`, tcpRouteVersion, { metadata, spec }, last);
      } else {
        new TLSRoute(`${name}-${stream.name}`, { metadata, spec: { ...spec, hostnames } }, last);
      }
    }
    this.registerOutputs();
  }
}

export function streamRouteSpec(stream: Stream<number>, { name, namespace }: GatewayRef): TLSRouteSpec {
  return {
    parentRefs: stream.listeners.map(({ name: sectionName }) => ({ name, namespace, sectionName })),
    hostnames: stream.listeners.flatMap(({ hostname }) => hostname ?? []),
    rules: [{ name: `${stream.name}--connections`, backendRefs: backendRefs(stream, stream.namespace) }],
  };
}
