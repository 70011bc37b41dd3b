import { ConfigMap, Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { HostClientCertificates } from "../../config/schema/entry/clientCertificates";
import { certificateBlocks, crlBlocks } from "../../config/values/pem";
import { type GatewayRef, ownMetadata, partOf, SUFFIXES } from "../shared/naming";

export interface ClientAuthoritiesArgs {
  /** The CAs: `gateway.tls.clientCertificates`, or `clientCertificates` of a listener, of `gatewayConfig()`. Its texts may be Outputs. */
  config: HostClientCertificates;
  /** The Gateway that checks clients' certificates. The object lives in its namespace. */
  gateway: GatewayRef;
  /** First of the listener's Secrets, if only its clients are checked. Default: those of all listeners are. */
  secretName?: string;
}

/**
 * The CAs that client certificates are checked against, and what they have revoked: in a ConfigMap, which the Gateway refers to; for
 * one listener in a Secret that Istio finds by the name of the listener's own, `SECRET-cacert`.
 * https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/#configure-a-mutual-tls-ingress-gateway
 */
export class ClientAuthorities extends pulumi.ComponentResource {
  /** Name of the ConfigMap, for `TlsGateway`, or of the Secret. */
  readonly objectName: pulumi.Output<string>;

  constructor(name: string, args: ClientAuthoritiesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:ClientAuthorities", name, {}, opts);
    const { config, gateway, secretName } = args;
    const { caCertificate, crl } = config;
    // A private key in the same text is left out.
    const data = {
      "ca.crt": blocksOf(caCertificate, certificateBlocks),
      ...(crl === undefined ? {} : { "ca.crl": blocksOf(crl, crlBlocks) }),
    };
    const child = { parent: this };
    const object =
      secretName === undefined
        ? new ConfigMap(name, { metadata: ownMetadata(gateway, SUFFIXES.clientAuthorities), data }, child)
        : new Secret(name, { metadata: secretMetadata(gateway, secretName), stringData: data }, child);
    this.objectName = object.metadata.name;
    this.registerOutputs({ objectName: this.objectName });
  }
}

function secretMetadata(gateway: GatewayRef, secretName: string) {
  return { name: `${secretName}-cacert`, namespace: gateway.namespace, labels: partOf(gateway) };
}

function blocksOf(text: pulumi.Input<string>, blocks: (text: string) => string[]): pulumi.Input<string> {
  const joined = (given: string) => blocks(given).join("");
  return typeof text === "string" ? joined(text) : pulumi.output(text).apply(joined);
}
