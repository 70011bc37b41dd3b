import { z } from "zod";
import { keyPath } from "../../values/problem";
import { dnsLabel, headerName, hostname, orOff, percentage, servicePort } from "../fields";
import { headerValue } from "./match";
import { FORWARDED, variableFlaw } from "./variables";

/** Gateway API: at most 16 headers in each list. */
export const MAX_HEADERS = 16;

const changedValue = headerValue.refine((value) => variableFlaw(value) === undefined, {
  error: ({ input }) => variableFlaw(String(input)),
});

const headerValues = z
  .record(headerName, changedValue, "a map of header names to values")
  .refine((map) => Object.keys(map).length <= MAX_HEADERS, `at most ${MAX_HEADERS} headers`);

const changes = {
  set: headerValues
    .optional()
    .describe("Headers to replace. A value may have variables such as ${clientAddress}, see docs/features.md."),
  add: headerValues.optional().describe("Headers to add a value to."),
  remove: z
    .array(headerName, "a list of header names")
    .max(MAX_HEADERS, `at most ${MAX_HEADERS} headers`)
    .optional()
    .describe("Headers to remove."),
};

/** Each header is named once, in whatever case. */
function namedOnce(
  { set = {}, add = {}, remove = [], forwarded = false }: RequestHeaderChanges,
  context: z.core.$RefinementCtx,
): void {
  const seen = new Map<string, string>(forwarded ? Object.keys(FORWARDED).map((name) => [name, "forwarded"]) : []);
  const names: readonly (readonly [path: readonly PropertyKey[], name: string])[] = [
    ...Object.keys(set).map((name) => [["set", name], name] as const),
    ...Object.keys(add).map((name) => [["add", name], name] as const),
    ...remove.map((name, index) => [["remove", index], name] as const),
  ];
  for (const [path, name] of names) {
    const earlier = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), earlier ?? keyPath(path));
    if (earlier !== undefined) {
      const message = `each header once, whatever its case: ${earlier} is the same one`;
      context.addIssue({ code: "custom", path: [...path], message });
    }
  }
  if (forwarded && Object.keys(set).length > MAX_HEADERS - Object.keys(FORWARDED).length) {
    const message = `at most ${MAX_HEADERS - Object.keys(FORWARDED).length} headers beside forwarded`;
    context.addIssue({ code: "custom", path: ["set"], message });
  }
}

/** Changes to the headers of a response. */
export const headerChangesSchema = z
  .strictObject(changes)
  .refine((given) => Object.keys(given).length > 0, "at least one of set, add, remove")
  .superRefine(namedOnce);

/** The same of a request. Host is not among them: `rewrite.hostname` changes it. */
const requestHeaderChangesSchema = z
  .strictObject({
    ...changes,
    forwarded: z
      .boolean("true or false")
      .optional()
      .describe("Set X-Real-IP, X-Forwarded-Host and X-Forwarded-Port, as ingress-nginx does. Default: false."),
  })
  .refine((given) => Object.keys(given).length > 0, "at least one of set, add, remove, forwarded")
  .superRefine(namedOnce);

const anyPath = z
  .string("an absolute path")
  .max(1024, "a path of at most 1024 characters")
  .regex(/^\/[^\s?#]*$/, "an absolute path without '?', '#' or spaces");

/** Text that Envoy puts in as it is. It would take a backslash for a group of an expression that Istio writes. */
export const absolutePath = anyPath.regex(
  /^(?!.*(\\|\$[0-9{]|\{[0-9]))/,
  "fixed text: groups of a regular expression, such as \\1 or $1, cannot be put in; prefix replaces the prefix and keeps the rest of the path",
);

/** The same, in which `\1` to `\9` are what the groups of the path's expression matched, and `\0` is all of it, as in RE2. */
const pathWithGroups = anyPath.regex(
  /^(?!.*(\\(?![0-9])|\$[0-9{]|\{[0-9]))/,
  "a path in which groups of the path's regular expression are written \\1 to \\9, not $1 or {1}",
);

/** What the backend sees in place of the client's host and path. */
export const rewriteSchema = z
  .strictObject({
    hostname: hostname.optional().describe("Host that the backend sees."),
    path: pathWithGroups
      .optional()
      .describe(
        "Path that the backend sees, for every request. For paths that are a RegularExpression, \\1 to \\9 stand for what its groups matched.",
      ),
    prefix: absolutePath
      .optional()
      .describe("Replacement for the prefix that the path matched; the rest of the path stays."),
  })
  .refine((rewrite) => Object.keys(rewrite).length > 0, "at least one of hostname, path, prefix")
  .refine(({ path, prefix }) => path === undefined || prefix === undefined, "either path or prefix");

/** A Service that gets a copy of requests; its responses are discarded. */
export const mirrorSchema = z.strictObject({
  service: dnsLabel.describe(
    "Kubernetes Service that gets the copies. If it is missing, Istio serves no path of a gRPC service.",
  ),
  namespace: dnsLabel.optional().describe("Namespace of that Service. Default: the service's namespace."),
  port: servicePort.optional().describe("Port of that Service, by number or name. Default: the service's port."),
  percent: percentage(1, 100).default(100).describe("Share of requests that are copied."),
});

const filters = {
  requestHeaders: requestHeaderChangesSchema.describe("Changes to request headers before the backend sees them."),
  responseHeaders: headerChangesSchema.describe("Changes to response headers before the client sees them."),
  rewrite: rewriteSchema.describe("Host and path that the backend sees."),
  mirror: mirrorSchema.describe("A Service that gets a copy of requests."),
} as const;

/** What may be set for a service. */
export const filterShape = {
  requestHeaders: filters.requestHeaders.optional(),
  responseHeaders: filters.responseHeaders.optional(),
  rewrite: filters.rewrite.optional(),
  mirror: filters.mirror.optional(),
} as const;

/** The same for a path, where it replaces the service's, or turns it off. */
export const pathFilterShape = {
  requestHeaders: orOff(filters.requestHeaders).optional(),
  responseHeaders: orOff(filters.responseHeaders).optional(),
  rewrite: orOff(filters.rewrite).optional(),
  mirror: orOff(filters.mirror).optional(),
} as const;

export interface HeaderChanges {
  readonly set?: Readonly<Record<string, string>>;
  readonly add?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}
/** The same of a request, before `forwarded` is written out. */
export interface RequestHeaderChanges extends HeaderChanges {
  readonly forwarded?: boolean;
}
export type Rewrite = z.output<typeof rewriteSchema>;

/** The groups of the path's expression that a path names, by number; empty if it is fixed text. */
export function groupsIn(path: string): number[] {
  return [...path.matchAll(/\\([0-9])/g)].map(([, group]) => Number(group));
}
