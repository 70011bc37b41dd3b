import { mkdirSync } from "node:fs";
import { Provider } from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import type { KubernetesConfig } from "../../config/schema/cluster/kubernetes";

/**
 * A Kubernetes provider as the components need it: with server-side apply, and with Secrets and ConfigMaps updated in place.
 * @param config The cluster, or the folder to render YAML to: `kubernetes` of `gatewayConfig()`. Default: the current kubeconfig
 * context.
 */
export function clusterProvider(name: string, config: KubernetesConfig): Provider {
  if (config.renderDirectory !== undefined) {
    // The Secret is rendered in clear text, so only the owner may read the folder.
    mkdirSync(config.renderDirectory, { recursive: true, mode: 0o700 });
  }
  return new Provider(name, {
    kubeconfig: config.kubeconfig === undefined ? undefined : pulumi.secret(config.kubeconfig),
    context: config.context,
    renderYamlToDirectory: config.renderDirectory,
    enableServerSideApply: true,
    // Otherwise a renewal deletes the Secret first, and the listener loses its certificate.
    enableSecretMutable: true,
    // The same for the ConfigMap of client CAs.
    enableConfigMapMutable: true,
  });
}
