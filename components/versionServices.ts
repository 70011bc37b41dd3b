import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Service, Version } from "../config";
import { partOf } from "./naming";

export interface VersionServicesArgs {
  service: Service;
  gatewayName: string;
}

/** The Services of a service's versions: each selects the pods of one. */
export class VersionServices extends pulumi.ComponentResource {
  constructor(name: string, args: VersionServicesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:VersionServices", name, {}, opts);
    const { service, gatewayName } = args;
    for (const version of service.versions) {
      new k8s.core.v1.Service(
        `${name}-${version.version}`,
        {
          metadata: {
            name: version.service,
            namespace: service.namespace,
            labels: partOf(gatewayName),
            // Pulumi would wait for pods, and a canary that has none yet is no failure.
            annotations: { "pulumi.com/skipAwait": "true" },
          },
          spec: serviceSpec(version, service.protocol),
        },
        { parent: this },
      );
    }
    this.registerOutputs();
  }
}

/** The port's name tells Istio the protocol. https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/ */
export function serviceSpec(
  { selector, ports }: Version,
  protocol: Service["protocol"],
): k8s.types.input.core.v1.ServiceSpec {
  return {
    selector,
    ports: ports.map(({ port, targetPort }) => ({ name: `${protocol}-${port}`, port, targetPort, protocol: "TCP" })),
  };
}
