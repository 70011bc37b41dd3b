import { z } from "zod";
import { dnsLabel, port, wholeNumber } from "../fields";
import { matchSchema } from "./match";
import { versionsSchema } from "./versions";

/** A second version of a service: which share of requests it gets, and which requests always. */
export const canarySchema = z
  .strictObject({
    service: dnsLabel
      .optional()
      .describe("Kubernetes Service of the new version. It must select other pods than the stable one."),
    namespace: dnsLabel.optional().describe("Namespace of that Service. Default: the service's namespace."),
    port: port.optional().describe("Port of that Service. Default: the service's port."),
    versions: versionsSchema
      .optional()
      .describe(
        "In place of `service`: versions by a label on pods. Both Services are made: NAME-stable, NAME-canary.",
      ),
    percent: wholeNumber(0, 100, "percent").describe("Share of requests for the new version. Unit: percent, 0 to 100."),
    override: matchSchema
      .optional()
      .describe("Requests that always go to the new version, such as { headers: { x-canary: 'true' } }."),
  })
  .refine(
    ({ service, versions }) => (service === undefined) !== (versions === undefined),
    "either service or versions",
  );

export type Canary = z.output<typeof canarySchema>;
