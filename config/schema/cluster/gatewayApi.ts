import { z } from "zod";

/** Which of the Gateway API's CRDs a cluster has. */
export const gatewayApiSchema = z.strictObject({
  channel: z
    .enum(["standard", "experimental"], "standard or experimental")
    .describe("Annotation gateway.networking.k8s.io/channel of the CRDs."),
  version: z
    .string("a version such as v1.6.0")
    .regex(/^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$/, "a version such as v1.6.0")
    .describe("Annotation gateway.networking.k8s.io/bundle-version of the CRDs."),
});

export type GatewayApi = z.output<typeof gatewayApiSchema>;
