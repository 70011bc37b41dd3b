import { mkdirSync } from "node:fs";
import { Provider } from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "../../config";

/**
 * A Kubernetes provider as the components need it: with server-side apply, and with Secrets and ConfigMaps updated in place.
 * @param config The cluster, or the folder to render YAML to, and whether to adopt: `kubernetes` of `gatewayConfig()`. Default:
 * the current kubeconfig context, and nothing is adopted.
 */
export function clusterProvider(name: string, config: Partial<StackConfig["kubernetes"]>): Provider {
  if (config.renderDirectory !== undefined) {
    // The Secret is rendered in clear text, so only the owner may read the folder.
    mkdirSync(config.renderDirectory, { recursive: true, mode: 0o700 });
  }
  const adopt = config.adopt === true ? true : undefined;
  return new Provider(name, {
    kubeconfig: config.kubeconfig === undefined ? undefined : pulumi.secret(config.kubeconfig),
    context: config.context,
    renderYamlToDirectory: config.renderDirectory,
    enableServerSideApply: true,
    // Not unless asked for: a create that takes over what exists, followed by the delete of a renamed resource, deletes it.
    // https://github.com/pulumi/pulumi-kubernetes/issues/2926
    upsertExistingObjects: adopt,
    enablePatchForce: adopt,
    // Otherwise a renewal deletes the Secret first, and the listener loses its certificate.
    enableSecretMutable: true,
    // The same for the ConfigMap of client CAs.
    enableConfigMapMutable: true,
  });
}
