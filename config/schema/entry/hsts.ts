import { z } from "zod";
import { wholeNumber } from "../fields";

/** Two years: more than any browser keeps. */
const MAX_AGE_SECONDS = 63_072_000;
/** What the browsers' preload list asks for. https://hstspreload.org */
const PRELOAD_SECONDS = 31_536_000;

/** HTTP Strict Transport Security (RFC 6797): browsers that saw it use https for the host, and cannot be told otherwise. */
export const hstsSchema = z
  .strictObject({
    maxAgeSeconds: wholeNumber(0, MAX_AGE_SECONDS, "seconds").describe(
      "How long browsers remember it: begin with minutes, end with a year. Unit: seconds; 0 makes them forget.",
    ),
    includeSubDomains: z
      .boolean("true or false")
      .default(false)
      .describe(
        "Hold for every name below the host too, whoever serves it: a.web.DOMAIN for web.DOMAIN, not its siblings. Default false.",
      ),
    preload: z
      .boolean("true or false")
      .default(false)
      .describe(
        "Agree to the browsers' built-in list, which is left in months. Needs includeSubDomains and a year. Default false.",
      ),
  })
  .superRefine(({ maxAgeSeconds, includeSubDomains, preload }, context) => {
    if (preload && !includeSubDomains) {
      const message = "true where preload is true: the preload list takes no host without the names below it";
      context.addIssue({ code: "custom", path: ["includeSubDomains"], message });
    }
    if (preload && maxAgeSeconds < PRELOAD_SECONDS) {
      const message = `at least ${PRELOAD_SECONDS} seconds (a year) where preload is true`;
      context.addIssue({ code: "custom", path: ["maxAgeSeconds"], message });
    }
  });

export type Hsts = z.output<typeof hstsSchema>;
