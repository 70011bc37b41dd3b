import { z } from "zod";
import { durationBetween, headerName } from "../fields";
import { METHODS } from "./match";

/** Gateway API: entries of a list of origins or headers. */
const MAX_ENTRIES = 64;
/** And characters of an origin. */
const MAX_ORIGIN = 253;

const ANY = "*";

/** As browsers send it: lower case, and without the port that the scheme implies. */
const ORIGIN = /^https?:\/\/(\*|(\*\.)?([a-z0-9-]+\.)*[a-z0-9-]+)(:[0-9]{1,5})?$/;
const IMPLIED_PORT = /^(http:.*:80|https:.*:443)$/;

/** Schemes of apps that bring their own browser, such as capacitor://localhost. */
const OTHER_SCHEME = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\//;

const origin = z
  .string("an origin")
  .max(MAX_ORIGIN, `an origin of at most ${MAX_ORIGIN} characters`)
  .superRefine((value, context) => {
    if (value !== ANY && (!ORIGIN.test(value) || IMPLIED_PORT.test(value))) {
      // https://gateway-api.sigs.k8s.io/reference/spec/#corsorigin, from v1.5 on.
      const message = OTHER_SCHEME.test(value)
        ? "an origin of http or https: the Gateway API takes no other scheme; * alone admits those too"
        : "an origin as browsers send it, such as https://app.example.com or https://*.example.com: lower case, no path, no port 80 or 443 that the scheme implies; or *";
      context.addIssue({ code: "custom", message });
    }
  });

/** A list without doubles, in which * stands alone. */
function entries<T extends z.ZodType<string>>(entry: T, what: string) {
  return z
    .array(entry, `a list of ${what}`)
    .min(1, "at least one entry")
    .max(MAX_ENTRIES, `at most ${MAX_ENTRIES} entries`)
    .refine((list) => list.length === 1 || !list.includes(ANY as z.output<T>), "* alone, or no *")
    .refine(
      (list) => new Set(list.map((value) => value.toLowerCase())).size === list.length,
      "each entry once, whatever its case",
    );
}

// * is among the characters of a header's name.
const headers = entries(headerName, "header names");

/** Which pages of other origins may use a service from a browser. The gateway answers their preflights. */
export const corsSchema = z
  .strictObject({
    allowOrigins: entries(origin, "origins").describe(
      "Origins whose pages may read responses. *. stands for one or more labels, * alone for every origin.",
    ),
    allowMethods: entries(z.enum([...METHODS, ANY], `one of ${METHODS.join(", ")}, or *`), "methods")
      .optional()
      .describe("Methods beyond GET, HEAD and POST, which are always allowed. Default: none."),
    allowHeaders: headers
      .optional()
      .describe("Request headers that pages may set. Default: those that need no permission."),
    exposeHeaders: headers
      .optional()
      .describe("Response headers that pages may read. Default: those that need no permission."),
    allowCredentials: z
      .boolean("true or false")
      .default(false)
      .describe("Let requests carry cookies and authorization."),
    maxAge: durationBetween("1s", "1d", "seconds", "10m")
      .prefault("5s")
      .describe("How long browsers may cache the answer to a preflight."),
  })
  .superRefine((cors, context) => {
    if (!cors.allowCredentials) {
      return;
    }
    for (const key of ["allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders"] as const) {
      if (cors[key]?.some((value) => value === ANY || /^https?:\/\/\*(:|$)/.test(value)) === true) {
        const message = `named entries beside allowCredentials: ${key === "allowOrigins" ? "every site could act as the user" : "browsers do not read * as a wildcard there"}`;
        context.addIssue({ code: "custom", path: [key], message });
      }
    }
  });

export type Cors = z.output<typeof corsSchema>;
