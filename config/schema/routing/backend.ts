import { z } from "zod";
import { dnsLabel, port } from "../fields";

/** Gateway API v1: backends of a rule of an HTTPRoute. */
export const MAX_BACKENDS = 16;

const backendSchema = z.strictObject({
  service: dnsLabel.describe("Name of the Kubernetes Service."),
  namespace: dnsLabel.optional().describe("Namespace of the Service. Default: the service's namespace."),
  port: port.optional().describe("Port of the Service. Default: the service's port."),
  weight: z
    .number("a weight from 0 to 1000000")
    .int("a whole weight from 0 to 1000000")
    .min(0, "a weight from 0 to 1000000")
    .max(1_000_000, "a weight from 0 to 1000000")
    .default(1)
    .describe("Share of requests, in proportion to the sum of all weights. Default 1; 0 sends none."),
});

/** The backends that share the requests of a path. */
export const backendsSchema = z
  .array(backendSchema, "a list of backends")
  .min(1, "at least one backend")
  .max(MAX_BACKENDS, `at most ${MAX_BACKENDS} backends`);

export type ParsedBackend = z.output<typeof backendSchema>;
