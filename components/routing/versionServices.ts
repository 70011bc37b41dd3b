import type { types } from "@pulumi/kubernetes";
import { Service as KubernetesService } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Service, Version } from "../../config";
import { type GatewayRef, partOf } from "../shared/naming";

export interface VersionServicesArgs {
  /** Services with `canary.versions`: `services` of `gatewayConfig()`. Those without get no object. */
  services: readonly Service[];
  /** The Gateway in the Services' labels. */
  gateway: GatewayRef;
}

/** A Service for each version of the services, selecting that version's pods. */
export class VersionServices extends pulumi.ComponentResource {
  constructor(name: string, args: VersionServicesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:VersionServices", name, {}, opts);
    for (const service of args.services) {
      for (const version of service.versions) {
        new KubernetesService(
          `${name}-${service.name}-${version.version}`,
          {
            metadata: {
              name: version.service,
              namespace: service.namespace,
              labels: partOf(args.gateway),
              // Pulumi would wait for pods, but a canary without pods is not a failure.
              annotations: { "pulumi.com/skipAwait": "true" },
            },
            spec: serviceSpec(version, service.protocol),
          },
          { parent: this },
        );
      }
    }
    this.registerOutputs();
  }
}

/**
 * The port name tells Istio the protocol. https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
 */
export function serviceSpec(
  { selector, ports }: Version,
  protocol: Service["protocol"],
): types.input.core.v1.ServiceSpec {
  return {
    selector,
    ports: ports.map(({ port, targetPort }) => ({ name: `${protocol}-${port}`, port, targetPort, protocol: "TCP" })),
  };
}
