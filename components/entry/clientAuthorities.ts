import { ConfigMap } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { ClientCertificates } from "../../config/schema/entry/clientCertificates";
import { certificateBlocks } from "../../config/values/pem";
import { partOf } from "../shared/naming";

export interface ClientAuthoritiesArgs {
  config: ClientCertificates;
  gatewayName: string;
  namespace: string;
}

/** The CAs that clients' certificates are checked against, in a ConfigMap beside the Gateway, which refers to it. */
export class ClientAuthorities extends pulumi.ComponentResource {
  /** Name of the ConfigMap. */
  readonly configMapName: pulumi.Output<string>;

  constructor(name: string, args: ClientAuthoritiesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:ClientAuthorities", name, {}, opts);
    const { config, gatewayName, namespace } = args;
    const configMap = new ConfigMap(
      name,
      {
        metadata: { name: `${gatewayName}--client-ca`, namespace, labels: partOf(gatewayName) },
        // The key that the Gateway API names for CA certificates. A private key in the same text stays here.
        data: { "ca.crt": certificateBlocks(config.caCertificate).join("") },
      },
      { parent: this },
    );
    this.configMapName = configMap.metadata.name;
    this.registerOutputs({ configMapName: this.configMapName });
  }
}
