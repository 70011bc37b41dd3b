import * as pulumi from "@pulumi/pulumi";
import { isIP } from "node:net";
import type { PlainListener } from "../../config/resolve/listeners";
import type { GatewayConfig } from "../../config/schema/entry/gateway";
import { CIPHER_SUITES } from "../../config/schema/entry/tls";
import { seconds } from "../../config/values/duration";
import {
  Gateway,
  type GatewaySpec,
  type GatewayTLSConfig,
  type Listener,
  type NamespaceNames,
} from "../../kinds/gateway";
import { externalDnsAnnotations } from "../shared/externalDns";
import { HTTP_PORT, HTTPS_PORT } from "../../config/resolve/protocols";
import { HTTP_LISTENER, NAMESPACE_NAME_LABEL, ownName, partOf, qualifiedName, SUFFIXES } from "../shared/naming";
import { infrastructure } from "./infrastructure";

/** An https listener. */
export interface ListenerArgs {
  /** Its name, unique in the Gateway, to which routes attach. */
  name: string;
  /** A host, `*.` and one, or undefined for every host. */
  hostname?: pulumi.Input<string>;
  /** Port of the gateway, from 1 to 65535. Default: 443. */
  port?: number;
  /** Names of kubernetes.io/tls Secrets in the Gateway's namespace: one, or two with keys of different algorithms. */
  secretNames: readonly pulumi.Input<string>[];
  /** Namespaces whose routes may attach if `config.allowedRoutes` is Selector, else ignored. */
  namespaces: readonly string[];
  /** What `ClientAuthorities` puts next to its first Secret: its clients need a certificate. Default: undefined. */
  clientCertificates?: object;
}

/** A listener for connections whose content is not read. */
export interface StreamListenerArgs {
  name: string;
  /** Port of the gateway, from 1 to 65535. */
  port: number;
  /** Server name in the handshake; undefined for TCP. */
  hostname?: string;
  /** Names of Secrets with the certificates that end TLS. Empty: it is passed on. */
  secretNames: readonly pulumi.Input<string>[];
  /** Namespaces whose routes may attach if `config.allowedRoutes` is Selector, else ignored. */
  namespaces: readonly string[];
}

export interface TlsGatewayArgs {
  /** The Gateway's name, namespace, address and TLS settings: `gateway` of `gatewayConfig()`. */
  config: GatewayConfig;
  /** What it serves over https: `listeners` of `gatewayConfig()`. At most 63. */
  listeners: readonly ListenerArgs[];
  /** Hosts that it serves without TLS too: `plainListeners` of `gatewayConfig()`. Default: none. */
  plainListeners?: readonly PlainListener[];
  /** What it passes on: made of `streams` of `gatewayConfig()`. Default: nothing. */
  streamListeners?: readonly StreamListenerArgs[];
  /** Name of the ConfigMap with the CAs for clients' certificates. Needed with `config.tls.clientCertificates`, else ignored. */
  clientAuthorities?: pulumi.Input<string>;
  /** Annotations for the Gateway's pods, beside those of `config`. Ignored with `config.existing`. Default: none. */
  podAnnotations?: Readonly<Record<string, string>>;
  /** True refuses to delete the Gateway. */
  protect: boolean;
}

/** The one Gateway: a listener for plain HTTP on port 80, which only redirects, and those for HTTPS, on port 443 unless others are set. */
export class TlsGateway extends pulumi.ComponentResource {
  /** IP address or host name that clients connect to; undefined until the cluster assigns one. */
  readonly address: pulumi.Output<string | undefined>;
  /** All of them, such as one of each IP version; empty until the cluster assigns one. */
  readonly addresses: pulumi.Output<string[]>;

  constructor(name: string, args: TlsGatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:TlsGateway", name, {}, opts);
    const { config } = args;
    const dependsOn =
      config.existing === undefined ? infrastructure(name, config, args.podAnnotations ?? {}, { parent: this }) : [];
    const gateway = new Gateway(
      name,
      {
        metadata: {
          name: config.name,
          namespace: config.namespace,
          // https://istio.io/latest/docs/setup/upgrade/canary/
          labels: { ...partOf(config), ...(config.revision === undefined ? {} : { "istio.io/rev": config.revision }) },
          annotations: gatewayAnnotations(config),
        },
        spec: gatewaySpec(args),
      },
      { parent: this, protect: args.protect, dependsOn },
    );
    const known = knownAddresses(config);
    this.addresses = gateway.status.apply((status) => known ?? (status?.addresses ?? []).map(({ value }) => value));
    this.address = this.addresses.apply(([first]) => first);
    this.registerOutputs({ address: this.address, addresses: this.addresses });
  }
}

/** Addresses that the config gives, IPv4 first; undefined if they are assigned. Without a load balancer there is none. */
export function knownAddresses({ existing, address, infrastructure }: GatewayConfig): string[] | undefined {
  const { type, loadBalancer } = infrastructure.service;
  if (existing !== undefined) {
    return undefined;
  }
  if (type !== "LoadBalancer") {
    return [];
  }
  const asked = loadBalancer !== undefined && "addresses" in loadBalancer ? loadBalancer.addresses : undefined;
  return address === undefined ? asked && [...asked].sort((a, b) => isIP(a) - isIP(b)) : [address];
}

export function gatewaySpec(args: TlsGatewayArgs): GatewaySpec {
  const { config, listeners, plainListeners = [], streamListeners = [] } = args;
  return {
    gatewayClassName: config.className,
    infrastructure: config.existing === undefined ? infrastructureSpec(config) : undefined,
    addresses: addressesOf(config),
    listeners: [
      {
        name: HTTP_LISTENER,
        port: HTTP_PORT,
        protocol: "HTTP",
        // Only the redirect attaches here, from the Gateway's own namespace: nobody else can serve plain HTTP.
        allowedRoutes: { namespaces: { from: "Same" } },
      },
      ...plainListeners.map(({ name, hostname, namespaces }): Listener => ({
        name,
        port: HTTP_PORT,
        protocol: "HTTP",
        hostname,
        allowedRoutes: { namespaces: allowedNamespaces(config, namespaces) },
      })),
      ...listeners.map(
        ({ name, hostname, port = HTTPS_PORT, secretNames, namespaces, clientCertificates }): Listener => ({
          name,
          port,
          protocol: "HTTPS",
          hostname,
          allowedRoutes: { namespaces: allowedNamespaces(config, namespaces) },
          tls: {
            mode: "Terminate",
            certificateRefs: secretNames.map((secretName) => ({ name: secretName })),
            options: listenerOptions(config, clientCertificates !== undefined),
          },
        }),
      ),
      ...streamListeners.map((listener) => streamListener(listener, config)),
    ],
    tls: frontendTls(args),
    allowedListeners:
      config.allowedListeners === undefined
        ? undefined
        : { namespaces: named(config.allowedListeners.map(({ namespace }) => namespace)) },
  };
}

function streamListener(
  { name, port, hostname, secretNames, namespaces }: StreamListenerArgs,
  config: GatewayConfig,
): Listener {
  const common = { name, port, allowedRoutes: { namespaces: allowedNamespaces(config, namespaces) } };
  if (hostname === undefined) {
    return { ...common, protocol: "TCP" };
  }
  const certificateRefs = secretNames.map((secretName) => ({ name: secretName }));
  const tls =
    secretNames.length === 0
      ? { mode: "Passthrough" as const }
      : { mode: "Terminate" as const, certificateRefs, options: listenerOptions(config, false) };
  return { ...common, protocol: "TLS", hostname, tls };
}

/** https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/#configuring-a-gateway */
function listenerOptions({ tls }: GatewayConfig, checksClients: boolean): Record<string, string> | undefined {
  const options = {
    ...(tls.minVersion === "1.3"
      ? {}
      : { "gateway.istio.io/tls-cipher-suites": (tls.cipherSuites ?? CIPHER_SUITES).join(",") }),
    // Repeats spec.tls.frontend: if a CRD drops that field, a new listener has no CA, and accepts no client.
    ...(checksClients || tls.clientCertificates?.mode === "AllowValidOnly"
      ? { "gateway.istio.io/tls-terminate-mode": "MUTUAL" }
      : {}),
  };
  return Object.keys(options).length === 0 ? undefined : options;
}

function frontendTls({ config, clientAuthorities }: TlsGatewayArgs): GatewayTLSConfig | undefined {
  const { clientCertificates } = config.tls;
  if (clientCertificates === undefined || clientAuthorities === undefined) {
    return undefined;
  }
  const caCertificateRefs = [{ group: "", kind: "ConfigMap", name: clientAuthorities }] as const;
  return {
    frontend: {
      default: { validation: { caCertificateRefs: [...caCertificateRefs], mode: clientCertificates.mode } },
    },
  };
}

function infrastructureSpec(config: GatewayConfig): GatewaySpec["infrastructure"] {
  return {
    // With none, Istio copies the Gateway's own, and their next change replaces its Pods. An empty map would do, but after
    // one with entries server-side apply makes it null, which the CRD rejects.
    annotations: { "kubernetes.io/description": `Proxies of the Gateway ${qualifiedName(config)}` },
    parametersRef: { group: "", kind: "ConfigMap", name: ownName(config, SUFFIXES.infrastructure) },
  };
}

/** A host name makes Istio use that Service's Pods, and create none. */
function addressesOf(config: GatewayConfig): GatewaySpec["addresses"] {
  if (config.existing !== undefined) {
    return [{ type: "Hostname", value: `${config.existing.service}.${config.namespace}.svc.cluster.local` }];
  }
  return config.address === undefined ? undefined : [{ type: "IPAddress", value: config.address }];
}

/** By name: whoever may label a namespace of their own could attach routes otherwise, and the labels would need rights. */
function allowedNamespaces(
  config: GatewayConfig,
  namespaces: readonly string[],
): Listener["allowedRoutes"]["namespaces"] {
  if (config.allowedRoutes !== "Selector") {
    return { from: config.allowedRoutes };
  }
  return named(namespaces);
}

function named(namespaces: readonly string[]): NamespaceNames {
  const values = [...new Set(namespaces)].sort();
  return { from: "Selector", selector: { matchExpressions: [{ key: NAMESPACE_NAME_LABEL, operator: "In", values }] } };
}

function gatewayAnnotations(config: GatewayConfig): Record<string, string> {
  const result: Record<string, string> = {};
  const timeout = seconds(config.programmedTimeout);
  if (timeout > 0) {
    // https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/#pulumi-kubernetes-annotations
    result["pulumi.com/waitFor"] = "condition=Programmed";
    result["pulumi.com/timeoutSeconds"] = String(timeout);
  } else {
    result["pulumi.com/skipAwait"] = "true";
  }
  const target = config.externalDns?.target ?? config.address;
  if (config.externalDns !== undefined && target !== undefined) {
    Object.assign(result, externalDnsAnnotations({ target: [target].flat().join(",") }));
  }
  return result;
}
