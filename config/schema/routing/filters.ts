import { z } from "zod";
import { dnsLabel, hostname, port, wholeNumber } from "../fields";
import { headerName, headerValue } from "./match";

/** Gateway API: at most 16 headers in each list. */
const MAX_HEADERS = 16;

const headerValues = z
  .record(headerName, headerValue, "a map of header names to values")
  .refine((map) => Object.keys(map).length <= MAX_HEADERS, `at most ${MAX_HEADERS} headers`);

/** Changes to the headers of a request or a response. Host is not among them: `rewrite.hostname` changes it. */
export const headerChangesSchema = z
  .strictObject({
    set: headerValues.optional().describe("Headers that get this value, whatever they had."),
    add: headerValues.optional().describe("Headers to which a value is added."),
    remove: z
      .array(headerName, "a list of header names")
      .max(MAX_HEADERS, `at most ${MAX_HEADERS} headers`)
      .refine((names) => new Set(names).size === names.length, "each header once")
      .optional(),
  })
  .refine((changes) => Object.keys(changes).length > 0, "at least one of set, add, remove");

const absolutePath = z
  .string("an absolute path")
  .max(1024, "a path of at most 1024 characters")
  .regex(/^\/[^\s?#]*$/, "an absolute path without '?', '#' or spaces");

/** What the backend sees in place of the client's host and path. */
export const rewriteSchema = z
  .strictObject({
    hostname: hostname.optional().describe("Host that the backend sees."),
    path: absolutePath.optional().describe("Path that the backend sees, whatever the client asked for."),
    prefix: absolutePath.optional().describe("What takes the place of the path's own prefix; the rest stays."),
  })
  .refine((rewrite) => Object.keys(rewrite).length > 0, "at least one of hostname, path, prefix")
  .refine(({ path, prefix }) => path === undefined || prefix === undefined, "either path or prefix");

/** A Service that gets a copy of requests; its answers are thrown away. */
export const mirrorSchema = z.strictObject({
  service: dnsLabel.describe(
    "Kubernetes Service that gets the copies. While that of a gRPC service is missing, Istio serves none of the service's paths.",
  ),
  namespace: dnsLabel.optional().describe("Namespace of that Service. Default: the service's namespace."),
  port: port.optional().describe("Port of that Service. Default: the service's port."),
  percent: wholeNumber(1, 100, "percent").default(100).describe("Share of requests that are copied. Default 100."),
});

/** What may be set for a service, and for each of its paths, where it then replaces the service's. */
export const filterShape = {
  requestHeaders: headerChangesSchema.optional().describe("Changes to headers before the backend sees them."),
  responseHeaders: headerChangesSchema.optional().describe("Changes to headers before the client sees them."),
  rewrite: rewriteSchema.optional().describe("Host and path that the backend sees."),
  mirror: mirrorSchema.optional().describe("A Service that gets a copy of requests."),
} as const;

export type HeaderChanges = z.output<typeof headerChangesSchema>;
export type Rewrite = z.output<typeof rewriteSchema>;
