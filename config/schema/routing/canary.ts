import { z } from "zod";
import { dnsLabel, percentage, servicePort } from "../fields";
import { matchSchema } from "./match";
import { versionsSchema } from "./versions";

/** A second version of a service: which share of requests it gets, and which requests always. */
export const canarySchema = z
  .strictObject({
    service: dnsLabel
      .optional()
      .describe("Kubernetes Service of the new version. It has to select other pods than the stable one."),
    namespace: dnsLabel.optional().describe("Namespace of that Service. Default: the service's namespace."),
    port: servicePort.optional().describe("Port of that Service, by number or name. Default: the service's port."),
    versions: versionsSchema
      .optional()
      .describe(
        "Instead of `service`: tell versions apart by a label of their pods. The program makes both Services, NAME-stable and NAME-canary.",
      ),
    percent: percentage(0, 100).describe("Share of requests for the new version."),
    override: matchSchema
      .optional()
      .describe("Requests that always go to the new version, such as { headers: { x-canary: 'true' } }."),
  })
  .refine(
    ({ service, versions }) => (service === undefined) !== (versions === undefined),
    "either service or versions",
  );

export type Canary = z.output<typeof canarySchema>;
