import { z } from "zod";
import { hostPattern } from "../fields";
import { REDIRECT_CODES } from "./httpsRedirect";

/** An HTTPRoute holds at most 16 hostnames (Gateway API v1 schema). */
const MAX_HOSTS = 16;

/** A name of a service, with what happens to requests for it. */
export const hostRuleSchema = z.strictObject({
  host: hostPattern.describe("The host name."),
  redirect: z
    .literal(REDIRECT_CODES, `one of ${REDIRECT_CODES.join(", ")}`)
    .optional()
    .describe(
      "Redirect to the same path and query of the first host, with this status. Default: the host serves what the first does.",
    ),
});

/** A host, or just its name. */
export const hostSchema = z.preprocess(
  (given) => (typeof given === "string" ? { host: given } : given),
  hostRuleSchema,
);

/** All names of a service that has several. */
export const hostsSchema = z
  .array(hostSchema, "a list of host names")
  .min(1, "at least one host")
  .max(MAX_HOSTS, `at most ${MAX_HOSTS} hosts: an HTTPRoute holds no more`)
  .describe(
    "Host names that clients use, of any domain of the stack, instead of host. The first is the service's own; the others serve the same, or redirect to it.",
  );
