import { z } from "zod";

/** Those of the Gateway API that keep path and query. 303 is left out: it makes every method a GET. */
export const REDIRECT_CODES = [301, 302, 307, 308] as const;

export type RedirectCode = (typeof REDIRECT_CODES)[number];

/** How the http listener sends clients to https. */
export const httpsRedirectSchema = z.strictObject({
  statusCode: z
    .literal(REDIRECT_CODES, `one of ${REDIRECT_CODES.join(", ")}`)
    .default(301)
    .describe(
      "Status of the answer. 307 (for now) and 308 (for good) make clients repeat the method and the body, so a POST stays one; they need the CRDs of Gateway API 1.5.",
    ),
});

export type HttpsRedirectConfig = z.output<typeof httpsRedirectSchema>;
