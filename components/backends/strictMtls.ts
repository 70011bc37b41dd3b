import * as pulumi from "@pulumi/pulumi";
import type { MtlsConfig } from "../../config/schema/backends/mtls";
import { PeerAuthentication, type PeerAuthenticationSpec } from "../../kinds/peerAuthentication";
import { type GatewayRef, partOf, sharedName } from "../shared/naming";

export interface StrictMtlsArgs {
  /** The strict namespaces and the exceptions: `mtls` of `gatewayConfig()`. */
  config: MtlsConfig;
  /** The Gateway that is in the policies' labels and names. */
  gateway: GatewayRef;
}

/** Namespaces whose sidecars refuse plain text, and the workloads that are exempt. */
export class StrictMtls extends pulumi.ComponentResource {
  constructor(name: string, args: StrictMtlsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:StrictMtls", name, {}, opts);
    const { config, gateway } = args;
    const labels = partOf(gateway);
    // An exception is created first and deleted last, so that its workload is never cut off.
    const exceptions = config.exceptions.map(
      (exception) =>
        new PeerAuthentication(
          `${name}-${exception.name}`,
          {
            metadata: { name: sharedName(gateway, exception.name), namespace: exception.namespace, labels },
            spec: exceptionSpec(exception),
          },
          { parent: this },
        ),
    );
    for (const namespace of strictNamespaces(config)) {
      new PeerAuthentication(
        `${name}-${namespace}`,
        // If a namespace has two policies, Istio uses the older and silently ignores the other. With the conventional name, a
        // second one is an error, another gateway's too.
        { metadata: { name: "default", namespace, labels }, spec: { mtls: { mode: "STRICT" } } },
        { parent: this, dependsOn: exceptions },
      );
    }
    this.registerOutputs();
  }
}

export function strictNamespaces({ wholeMesh, rootNamespace, strictNamespaces: names }: MtlsConfig): string[] {
  return wholeMesh ? [rootNamespace, ...names] : names;
}

/** A workload's policy replaces that of its namespace, so it has to repeat STRICT for the other ports. */
export function exceptionSpec({ matchLabels, ports }: MtlsConfig["exceptions"][number]): PeerAuthenticationSpec {
  const selector = { matchLabels };
  return ports === undefined
    ? { selector, mtls: { mode: "PERMISSIVE" } }
    : {
        selector,
        mtls: { mode: "STRICT" },
        portLevelMtls: Object.fromEntries(ports.map((port) => [String(port), { mode: "PERMISSIVE" as const }])),
      };
}
