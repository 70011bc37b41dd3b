import { z } from "zod";
import { milliseconds } from "../../values/duration";
import { durationBetween } from "../fields";

/** Two years: more than any browser keeps. */
const MAX_AGE = "730d";
/** What the browsers' preload list asks for. https://hstspreload.org */
const PRELOAD_AGE = "365d";

/** Name of the header, in lower case as HTTP/2 has it. */
export const HSTS_HEADER = "strict-transport-security";

/** HTTP Strict Transport Security (RFC 6797): browsers that saw it use https for the host, and cannot be told otherwise. */
export const hstsSchema = z
  .strictObject({
    maxAge: durationBetween("0s", MAX_AGE, "seconds", "365d").describe(
      "How long browsers remember it: start with minutes and end with a year. 0s makes them forget.",
    ),
    includeSubDomains: z
      .boolean("true or false")
      .default(false)
      .describe(
        "Also apply to every name below the host, whoever serves it: a.web.DOMAIN for web.DOMAIN, not its siblings.",
      ),
    preload: z
      .boolean("true or false")
      .default(false)
      .describe(
        "Consent to the browsers' built-in list, which takes months to leave. Needs includeSubDomains and a maxAge of 365d.",
      ),
  })
  .superRefine(({ maxAge, includeSubDomains, preload }, context) => {
    if (preload && !includeSubDomains) {
      const message = "true if preload is true: the preload list takes no host without the names below it";
      context.addIssue({ code: "custom", path: ["includeSubDomains"], message });
    }
    if (preload && milliseconds(maxAge) < milliseconds(PRELOAD_AGE)) {
      const message = `at least ${PRELOAD_AGE} if preload is true`;
      context.addIssue({ code: "custom", path: ["maxAge"], message });
    }
  });

export type Hsts = z.output<typeof hstsSchema>;
