import { z } from "zod";
import { yamlFiles } from "../fields";
import { gatewayApiSchema } from "./gatewayApi";

/** The cluster to deploy to, or the folder to render to. */
export const kubernetesSchema = z.strictObject({
  kubeconfig: z
    .string("the contents or the path of a kubeconfig")
    .min(1, "the contents or the path of a kubeconfig")
    .optional()
    .describe("Contents (as a Pulumi secret) or path of a kubeconfig. Default: KUBECONFIG, then ~/.kube/config.")
    .meta({ sealable: true }),
  context: z
    .string("the name of a kubeconfig context")
    .min(1, "the name of a kubeconfig context")
    .optional()
    .describe("Context of the kubeconfig. Default: its current context."),
  renderDirectory: z
    .string("a folder")
    .min(1, "a folder")
    .optional()
    .describe("Write YAML to this folder and touch no cluster. Secrets are in clear text: keep the folder out of git."),
  gatewayApi: gatewayApiSchema
    .optional()
    .describe(
      "CRDs of the cluster that the rendered YAML is for. Without renderDirectory they are read from the cluster.",
    ),
  services: yamlFiles
    .optional()
    .describe(
      "Files with the cluster's Services, as `kubectl get services -o yaml` or `helm template` print them: ports by name are looked up there for rendered YAML and in reviews. Previews and updates of a cluster ask the cluster.",
    ),
  istioStack: z
    .string("a stack as ORGANIZATION/PROJECT/STACK")
    .regex(/^[\w.-]+\/[\w.-]+\/[\w.-]+$/, "a stack as ORGANIZATION/PROJECT/STACK, such as acme/istio-platform/dev")
    .optional()
    .describe(
      "Pulumi stack that installed Istio and the CRDs (see istio/); its outputs give their channel and version. Default: they are read from the cluster.",
    ),
});

export type KubernetesConfig = z.output<typeof kubernetesSchema>;
