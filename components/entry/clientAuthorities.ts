import { ConfigMap } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { ClientCertificates } from "../../config/schema/entry/clientCertificates";
import { certificateBlocks } from "../../config/values/pem";
import { type GatewayRef, ownMetadata, SUFFIXES } from "../shared/naming";

export interface ClientAuthoritiesArgs {
  /** The CAs: `gateway.tls.clientCertificates` of `gatewayConfig()`. `caCertificate` may be an Output. */
  config: ClientCertificates;
  /** The Gateway that checks clients' certificates. The ConfigMap lives in its namespace. */
  gateway: GatewayRef;
}

/**
 * The CAs that client certificates are checked against, in a ConfigMap in the Gateway's namespace, which the Gateway refers to.
 */
export class ClientAuthorities extends pulumi.ComponentResource {
  /** Name of the ConfigMap, for `TlsGateway`. */
  readonly configMapName: pulumi.Output<string>;

  constructor(name: string, args: ClientAuthoritiesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:ClientAuthorities", name, {}, opts);
    const { config, gateway } = args;
    const given = config.caCertificate;
    const authorities = (text: string) => certificateBlocks(text).join("");
    const configMap = new ConfigMap(
      name,
      {
        metadata: ownMetadata(gateway, SUFFIXES.clientAuthorities),
        // The Gateway API's key for CA certificates. A private key in the same text is left out.
        data: { "ca.crt": typeof given === "string" ? authorities(given) : pulumi.output(given).apply(authorities) },
      },
      { parent: this },
    );
    this.configMapName = configMap.metadata.name;
    this.registerOutputs({ configMapName: this.configMapName });
  }
}
