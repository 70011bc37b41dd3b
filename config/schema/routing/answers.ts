import { z } from "zod";
import { blocks, durationBetween, headerName, hostname, orOff, port } from "../fields";
import { absolutePath, MAX_HEADERS } from "./filters";
import { headerValue } from "./match";
import { variableFlaw, variablesOf } from "./variables";

/** Those of the Gateway API. 303 makes every method a GET, 307 and 308 keep method and body. */
const REDIRECT_STATUSES = [301, 302, 303, 307, 308] as const;

/** Sends clients elsewhere. The query stays as it is. */
export const redirectSchema = z
  .strictObject({
    host: hostname.optional().describe("Host to ask instead. Default: the one that was asked for."),
    scheme: z.enum(["https", "http"], "https or http").optional().describe("Default: that of the request."),
    port: port
      .optional()
      .describe("Port to ask. Default: that of the scheme, or of the request if neither host nor scheme is given."),
    path: absolutePath.optional().describe("Path to ask for. Default: the one that was asked for."),
    prefix: absolutePath
      .optional()
      .describe("Replacement for the prefix that the path matched; the rest of the path stays."),
    status: z
      .literal(REDIRECT_STATUSES, `one of ${REDIRECT_STATUSES.join(", ")}`)
      .default(302)
      .describe(
        "Status of the answer: 301 and 308 for good, the others for now; 303 makes the next request a GET, 307 and 308 repeat method and body, and need the CRDs of Gateway API 1.5, as 303 does.",
      ),
  })
  .refine((given) => Object.keys(given).length > 1, "at least one of host, scheme, port, path, prefix")
  .refine(({ path, prefix }) => path === undefined || prefix === undefined, "either path or prefix");

/** Envoy holds each body in memory, and sends the object with all of them to each proxy. */
const MAX_BODY_BYTES = 4096;
const BODY = `a text of at most ${MAX_BODY_BYTES} bytes in UTF-8`;

const body = z
  .string(BODY)
  .refine((text) => Buffer.byteLength(text) <= MAX_BODY_BYTES && Buffer.from(text).toString() === text, BODY);

const contentType = headerValue.refine(
  (text) => /^[^\s/;,%]+\/[^\s/;,%]+(\s*;\s*[^;]+)*$/.test(text),
  "a media type such as application/json",
);

const content = {
  body: body.optional().describe("Body of the answer, sent as it is. Default: none."),
  contentType: contentType.optional().describe("Its Content-Type. Default: text/plain; charset=utf-8."),
} as const;

const STATUS = "an HTTP status from 200 to 599";

/** Headers that follow from the answer, or are the connection's own. */
const NOT_OWN =
  /^(content-(type|length)|transfer-encoding|connection|keep-alive|upgrade|te|trailer|proxy-.*|date|server|grpc-.*)$/i;

const fixedValue = headerValue.refine(
  (value) => variablesOf(value).length === 0 && variableFlaw(value) === undefined,
  "a fixed text: responseHeaders takes variables, and is added to this answer too",
);

/** The gateway's own answer, the same for everyone who may enter. */
export const respondSchema = z
  .strictObject({
    status: z.number(STATUS).int(STATUS).min(200, STATUS).max(599, STATUS).describe("Status of the answer."),
    headers: z
      .record(
        headerName.refine(
          (name) => !NOT_OWN.test(name),
          "a header that the answer leaves open: contentType says what the body is",
        ),
        fixedValue,
        "a map of header names to values",
      )
      .refine((map) => Object.keys(map).length <= MAX_HEADERS, `at most ${MAX_HEADERS} headers`)
      .optional()
      .describe("Headers of the answer, as fixed texts. Default: none."),
    ...content,
  })
  .refine(
    ({ status, body: text }) => text === undefined || ![204, 205, 304].includes(status),
    "no body with 204, 205 or 304: clients would take it for the next answer",
  );

const DENY = "true, or { status: 403 or 404 }";

/** Nobody gets an answer. */
export const denySchema = z.union(
  [
    z.literal(true),
    z.strictObject({
      status: z
        .literal([403, 404], "either 403 or 404")
        .default(403)
        .describe("Status of the answer; 404 hides that there is one."),
    }),
  ],
  DENY,
);

/** What clients get while backends are away on purpose: 503. */
export const maintenanceSchema = z.strictObject({
  retryAfter: durationBetween("1s", "30d", "seconds", "5m")
    .default("5m")
    .describe("When clients may try again, as Retry-After says it."),
  ...content,
  allow: blocks.optional().describe("Addresses of clients whose requests go to the backends. Default: none."),
});

const answers = {
  redirect: redirectSchema.describe("Redirect requests, in place of backends."),
  respond: respondSchema.describe("Answer requests with this, in place of backends."),
  deny: denySchema.describe(`Refuse all requests, in place of backends: ${DENY}.`),
  maintenance: maintenanceSchema.describe("Answer requests with 503 and Retry-After for now; access still applies."),
} as const;

/** What may be set for a service. */
export const answerShape = {
  redirect: answers.redirect.optional(),
  respond: answers.respond.optional(),
  deny: answers.deny.optional(),
  maintenance: answers.maintenance.optional(),
} as const;

/** The same for a path, where it replaces whatever the service sets of them, or turns it off. */
export const pathAnswerShape = {
  redirect: orOff(answers.redirect).optional(),
  respond: orOff(answers.respond).optional(),
  deny: orOff(answers.deny).optional(),
  maintenance: orOff(answers.maintenance).optional(),
} as const;

export type Redirect = z.output<typeof redirectSchema>;
export type Respond = z.output<typeof respondSchema>;
export type Deny = z.output<typeof denySchema>;
export type Maintenance = z.output<typeof maintenanceSchema>;
