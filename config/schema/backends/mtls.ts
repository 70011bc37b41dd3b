import { z } from "zod";
import { dnsLabel, labels, port } from "../fields";

const exception = z.strictObject({
  name: dnsLabel.describe("Name of the exception, unique in the stack."),
  namespace: dnsLabel.describe("Namespace of the workload; it has to be STRICT."),
  matchLabels: labels
    .refine((map) => Object.keys(map).length > 0, "at least one label")
    .describe("Labels of its pods."),
  ports: z
    .array(port, "a list of ports")
    .min(1, "at least one port")
    .optional()
    .describe("Ports of the pods, not of the Service, that also take plain text. Default: every port."),
});

/**
 * Mutual TLS between the workloads of the mesh, the gateway among them. It rules what a sidecar accepts: a backend
 * without one is neither protected nor cut off by it.
 */
export const mtlsSchema = z
  .strictObject({
    wholeMesh: z
      .boolean("true or false")
      .default(false)
      .describe("Every sidecar of the mesh refuses plain text: STRICT in Istio's root namespace."),
    rootNamespace: dnsLabel.default("istio-system").describe("Istio's root namespace (meshConfig.rootNamespace)."),
    strictNamespaces: z
      .array(dnsLabel, "a list of namespaces")
      .refine((names) => new Set(names).size === names.length, "each namespace once")
      .default([])
      .describe("Namespaces whose sidecars refuse plain text."),
    exceptions: z
      .array(exception, "a list of exceptions")
      .default([])
      .describe("Workloads with a sidecar that clients outside the mesh also reach in plain text."),
  })
  .refine(
    ({ wholeMesh, strictNamespaces }) => wholeMesh || strictNamespaces.length > 0,
    "wholeMesh: true, or at least one entry in strictNamespaces",
  );

export type MtlsConfig = z.output<typeof mtlsSchema>;
