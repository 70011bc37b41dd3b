import { z } from "zod";
import { regularExpressionFlaw } from "./regularExpression";

/** RFC 9110, section 5.6.2: what a header's name may consist of. */
const TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}$/;

/** Gateway API: an HTTPRoute match holds at most 16 of each. */
export const MAX_CONDITIONS = 16;

export const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] as const;

/** Name of an HTTP header. Host is no header here: it is the service's host, and HTTP/2 has none. */
export const headerName = z
  .string("a header name")
  .regex(TOKEN, "a header name: letters, digits and !#$%&'*+-.^_`|~")
  .refine((name) => name.toLowerCase() !== "host" && !name.startsWith(":"), "a header other than Host");

const condition = (what: string) =>
  z
    .union(
      [
        z.string().min(1),
        z.strictObject({
          regex: z
            .string()
            .refine((source) => regularExpressionFlaw(source) === undefined, "a regular expression in RE2 syntax"),
        }),
      ],
      `the value of the ${what}, or { regex: … } in RE2 syntax`,
    )
    .describe(`The ${what}'s exact value, or { regex: RE2 } for its whole value.`);

const conditions = (what: string, name: z.ZodString) =>
  z
    .record(name, condition(what), `a map of ${what} names to values`)
    .refine((map) => Object.keys(map).length <= MAX_CONDITIONS, `at most ${MAX_CONDITIONS} of them`);

/** What a request must have besides its path; all of it. */
export const matchSchema = z
  .strictObject({
    headers: conditions("header", headerName).optional().describe("Headers and their values."),
    query: conditions("query parameter", z.string().min(1).max(256)).optional().describe("Query parameters."),
    method: z
      .enum(METHODS, `one of ${METHODS.join(", ")}`)
      .optional()
      .describe("HTTP method."),
  })
  .refine(
    ({ headers = {}, query = {}, method }) =>
      Object.keys(headers).length + Object.keys(query).length > 0 || method !== undefined,
    "at least one of headers, query, method",
  )
  .refine(
    ({ headers = {} }) =>
      new Set(Object.keys(headers).map((name) => name.toLowerCase())).size === Object.keys(headers).length,
    "each header once: names of headers know no case",
  );

export type MatchInput = z.output<typeof matchSchema>;
