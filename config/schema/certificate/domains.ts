import { z } from "zod";
import { certificateSchema } from "./certificate";
import { hostname } from "../fields";

/** With `*.` before it, it is still a host name. */
const MAX_DOMAIN = 251;

/** A domain, whose apex and names one label below it the gateway may serve. */
export const domainName = hostname.max(MAX_DOMAIN, `a domain of at most ${MAX_DOMAIN} characters`);

/** A domain with settings of its own. */
export const domainRuleSchema = z.strictObject({
  domain: domainName.describe("The domain."),
  certificate: certificateSchema
    .optional()
    .describe("Certificate of its own. Default: the stack's, which covers all domains without their own."),
});

/** A domain, or just its name. */
export const domainSchema = z.preprocess(
  (given) => (typeof given === "string" ? { domain: given } : given),
  domainRuleSchema,
);

/** The domains of a gateway that has several. */
export const domainsSchema = z
  .array(domainSchema, "a list of domains")
  .min(1, "at least one domain")
  .describe(
    "Domains of the gateway, as texts or with certificates of their own, instead of domain. Hosts that are derived from names are in the first.",
  );

export type ParsedDomain = z.output<typeof domainRuleSchema>;
