import * as pulumi from "@pulumi/pulumi";
import { type ExternalTarget, isExternal, type Service, targetsOf } from "../../config";
import type { Stream } from "../../config/resolve/model";
import { ServiceEntry, type ServiceEntrySpec } from "../../kinds/serviceEntry";
import { contentHash } from "../shared/contentHash";
import { type GatewayRef, partOf, sharedName } from "../shared/naming";

export interface ExternalHostsArgs {
  /** What may send requests there: `services` of `gatewayConfig()`. */
  services: readonly Service[];
  /** The same of connections: `streams`. */
  streams: readonly Stream[];
  /** The Gateway whose proxies alone get to know the hosts. */
  gateway: GatewayRef;
}

/** What Istio has to know of the hosts outside the cluster: a ServiceEntry each, in every namespace with a route to it. */
export class ExternalHosts extends pulumi.ComponentResource {
  constructor(name: string, args: ExternalHostsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:ExternalHosts", name, {}, opts);
    const { gateway } = args;
    for (const { namespace, spec } of serviceEntries(args)) {
      const key = externalKey(spec.hosts[0] ?? "");
      const metadata = { name: sharedName(gateway, key), namespace, labels: partOf(gateway) };
      new ServiceEntry(`${name}-${namespace}--${key}`, { metadata, spec }, { parent: this });
    }
    this.registerOutputs();
  }
}

/** Part of the names of a host's objects; hosts may be longer than those. */
export function externalKey(host: string): string {
  return `external-${contentHash(host)}`;
}

/** Istio finds the host of a backendRef only in the route's namespace. All entries of a host are the same, whichever Istio takes. */
export function serviceEntries({
  services,
  streams,
  gateway,
}: ExternalHostsArgs): { namespace: string; spec: ServiceEntrySpec }[] {
  const routes = [
    ...services.map((service) => ({ ...service, protocol: PROTOCOLS[service.protocol], targets: targetsOf(service) })),
    ...streams.map((stream) => ({ ...stream, protocol: PROTOCOLS[stream.protocol], targets: stream.backends })),
  ];
  const uses = routes.flatMap(({ namespace, protocol, targets }) =>
    targets.filter(isExternal).map((target) => ({ ...target, namespace, protocol })),
  );
  const places = new Map(uses.map(({ host, namespace }) => [`${namespace}/${host}`, { host, namespace }]));
  return [...places.values()].map(({ host, namespace }) => ({
    namespace,
    spec: spec(
      host,
      uses.filter((use) => use.host === host),
      gateway,
    ),
  }));
}

/** The config check ensures that a host has one protocol. */
const PROTOCOLS = {
  http: "HTTP",
  grpc: "GRPC",
  tcp: "TCP",
  "tls-passthrough": "TLS",
  "tls-terminate": "TCP",
} as const satisfies Record<Service["protocol"] | Stream["protocol"], string>;

type Use = ExternalTarget & { readonly protocol: ServiceEntrySpec["ports"][number]["protocol"] };

function spec(host: string, uses: readonly Use[], gateway: GatewayRef): ServiceEntrySpec {
  const addresses = new Set(uses.flatMap(({ address }) => address ?? []));
  const ports = new Map(uses.map(({ port, protocol }) => [port, protocol]));
  return {
    hosts: [host],
    location: "MESH_EXTERNAL",
    resolution: addresses.size === 0 ? "DNS" : "STATIC",
    ports: [...ports]
      .sort(([a], [b]) => a - b)
      .map(([number, protocol]) => ({ number, name: `${protocol.toLowerCase()}-${number}`, protocol })),
    endpoints: addresses.size === 0 ? undefined : [...addresses].map((address) => ({ address })),
    exportTo: [gateway.namespace],
  };
}
