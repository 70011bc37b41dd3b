import { STATUS_CODES } from "node:http";
import { z } from "zod";

/** Longest text of a page, in characters. */
const MAX_TEXT = 16_384;

/** Names of the statuses that clients may get (RFC 9110, section 15). */
export const TITLES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(STATUS_CODES).flatMap(([status, title]) => (Number(status) >= 400 && title ? [[status, title]] : [])),
);

/**
 * What a page may say, `${NAME}`. Nothing else of a request: a page that shows its path or a header would carry scripts of whoever
 * made the link.
 */
export const PAGE_VARIABLES = ["status", "title", "requestId"] as const;

export type PageVariable = (typeof PAGE_VARIABLES)[number];

const VARIABLE = /\$\{([^}]*)\}/g;

/** A page with a value in place of each variable. @param other What becomes of the text in between. Default: nothing. */
export function filledIn(
  page: string,
  valueOf: (name: PageVariable) => string,
  other: (text: string) => string = (text) => text,
): string {
  // The names are between the texts.
  return page
    .split(VARIABLE)
    .map((part, index) => (index % 2 === 1 ? valueOf(part as PageVariable) : other(part)))
    .join("");
}

/** A text, or `{ file: PATH }`, which is replaced by the file's text before this schema sees it. */
const text = (what: string) =>
  z
    .string(`${what}, as a text or { file: PATH }`)
    .min(1, `${what} that is not empty`)
    .max(MAX_TEXT, `${what} of at most ${MAX_TEXT} characters`)
    .refine(
      (page) => [...page.matchAll(VARIABLE)].every(([, name]) => PAGE_VARIABLES.some((known) => known === name)),
      `${what} with no other variables than ${PAGE_VARIABLES.map((name) => `\${${name}}`).join(", ")}`,
    )
    .meta({ inFile: true });

function isJson(page: string): boolean {
  try {
    JSON.parse(filledIn(page, (name) => (name === "status" ? "500" : "x")));
    return true;
  } catch {
    return false;
  }
}

const STATUS = "a status from 400 to 599, 4xx or 5xx";

const pageSchema = z
  .strictObject({
    statuses: z
      .array(
        z.union([z.number().int(STATUS).min(400, STATUS).max(599, STATUS), z.enum(["4xx", "5xx"])], STATUS),
        "a list of statuses",
      )
      .min(1, "at least one status")
      .max(64, "at most 64 statuses")
      .optional()
      .describe("Statuses that it is for: 404, or 5xx for all from 500 to 599. Default: all."),
    html: text("a page in HTML")
      .optional()
      .describe(
        "For clients whose Accept names text/html, with ${status}, ${title} and ${requestId}; { file: pages/error.html } reads it from a file. Default: that of a later page, or the program's own.",
      ),
    json: text("a text in JSON")
      .refine(isJson, "a text in JSON")
      .optional()
      .describe(
        "For all others, as application/problem+json. Default: that of a later page, or status, title and requestId.",
      ),
  })
  .refine(({ html, json }) => html !== undefined || json !== undefined, "at least one of html, json");

/** What clients get with the gateway's own answers of 4xx and 5xx. */
export const errorPagesSchema = z.strictObject({
  pages: z
    .array(pageSchema, "a list of pages")
    .max(16, "at most 16 pages")
    .default([])
    .describe("Pages of your own: the first for a status is shown."),
  backendErrors: z
    .boolean("true or false")
    .default(false)
    .describe("Show them in place of what backends answer with 5xx, too."),
});

export type ErrorPages = z.output<typeof errorPagesSchema>;
