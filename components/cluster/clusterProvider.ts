import { mkdirSync } from "node:fs";
import { Provider } from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import type { KubernetesConfig } from "../../config/schema/cluster/kubernetes";

/**
 * A Kubernetes provider that the components can rely on: with server-side apply, and Secrets and ConfigMaps that change in place.
 * @param config The cluster, or the folder to render YAML to: `kubernetes` of `gatewayConfig()`. Default: the current kubeconfig's.
 */
export function clusterProvider(name: string, config: KubernetesConfig): Provider {
  if (config.renderDirectory !== undefined) {
    // The Secret is rendered in clear text: only its owner may read the folder.
    mkdirSync(config.renderDirectory, { recursive: true, mode: 0o700 });
  }
  return new Provider(name, {
    kubeconfig: config.kubeconfig === undefined ? undefined : pulumi.secret(config.kubeconfig),
    context: config.context,
    renderYamlToDirectory: config.renderDirectory,
    enableServerSideApply: true,
    // Without it a renewed certificate deletes the Secret first, and the listener loses its certificate.
    enableSecretMutable: true,
    // The same for the ConfigMap of the CAs for clients.
    enableConfigMapMutable: true,
  });
}
