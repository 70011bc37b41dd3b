import { z } from "zod";
import { regularExpressionFlaw } from "../../values/regularExpression";
import { headerName, TOKEN } from "../fields";

/** Gateway API: an HTTPRoute match holds at most 16 of each. */
export const MAX_CONDITIONS = 16;

export const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] as const;

/** Gateway API: names of query parameters are made of what names of headers are made of. */
const queryName = z.string("a query parameter").regex(TOKEN, "a query parameter: letters, digits and !#$%&'*+-.^_`|~");

/** Gateway API's own rule for values of headers. */
const HEADER_VALUE = /^[!-~]+([\t ]?[!-~]+)*$/;
const MAX_HEADER_VALUE = 4096;
const MAX_QUERY_VALUE = 1024;

/** A header's value, as the Gateway API takes it: visible ASCII, with single spaces in between. */
export const headerValue = z
  .string("a header's value")
  .min(1, "a header's value")
  .max(MAX_HEADER_VALUE, `a header's value of at most ${MAX_HEADER_VALUE} characters`)
  .regex(HEADER_VALUE, "a header's value of visible ASCII characters, with single spaces between them");

const queryValue = z
  .string("a query parameter's value")
  .min(1, "a query parameter's value")
  .max(MAX_QUERY_VALUE, `a query parameter's value of at most ${MAX_QUERY_VALUE} characters`);

const condition = (what: string, value: z.ZodString) =>
  z
    .union(
      [
        value,
        z.strictObject({
          regex: value.refine(
            (source) => regularExpressionFlaw(source) === undefined,
            "a regular expression in RE2 syntax",
          ),
        }),
      ],
      `the value of the ${what}, or { regex: … } in RE2 syntax`,
    )
    .describe(`The ${what}'s exact value, or { regex: RE2 } for its whole value.`);

const conditions = (what: string, name: z.ZodString, value: z.ZodString) =>
  z
    .record(name, condition(what, value), `a map of ${what} names to values`)
    .refine((map) => Object.keys(map).length <= MAX_CONDITIONS, `at most ${MAX_CONDITIONS} of them`);

/** What a request must have besides its path. All conditions have to hold. */
export const matchSchema = z
  .strictObject({
    headers: conditions("header", headerName, headerValue).optional().describe("Headers and their values."),
    query: conditions("query parameter", queryName, queryValue).optional().describe("Query parameters."),
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
    "each header once: header names are case-insensitive",
  );

export type Match = z.output<typeof matchSchema>;
