import { z } from "zod";
import { dnsLabel, servicePort } from "../fields";

/** Gateway API v1: backends of a rule of an HTTPRoute. */
export const MAX_BACKENDS = 16;

const MAX_WEIGHT = 1_000_000;
const WEIGHT = `a weight from 0 to ${MAX_WEIGHT}, without decimals`;

const backendSchema = z.strictObject({
  service: dnsLabel.describe("Name of the Kubernetes Service."),
  namespace: dnsLabel.optional().describe("Namespace of the Service. Default: the service's namespace."),
  port: servicePort.optional().describe("Port of the Service, by number or name. Default: the service's port."),
  weight: z
    .number(WEIGHT)
    .int(WEIGHT)
    .min(0, WEIGHT)
    .max(MAX_WEIGHT, WEIGHT)
    .default(1)
    .describe("Share of requests, in proportion to the sum of all weights. 0 sends none."),
});

/** The backends that share the requests of a path. */
export const backendsSchema = z
  .array(backendSchema, "a list of backends")
  .min(1, "at least one backend")
  .max(MAX_BACKENDS, `at most ${MAX_BACKENDS} backends`);

export type ParsedBackend = z.output<typeof backendSchema>;
