import { z } from "zod";
import { keyPath, type Problem } from "../values/problem";

const ASK_ELSEWHERE = "access.jwt checks tokens, and access.externalAuthorization asks a service of the mesh";

const PER_CLIENT =
  "not allowed: Envoy counts no client's connections; rateLimit: { type: local-by-address, requests: 10, per: second } limits its requests";

/** Keys known from other manuals, and why they are not supported. */
const HINTS: Readonly<Record<string, string>> = {
  minProtocolVersion:
    "not allowed: the Gateway API has no such field, and TLS 1.2 is the minimum already (gateway.tls.minVersion raises it)",
  http3:
    "not allowed: HTTP/3 is not offered, since the Gateway API has no field for it, Istio's is experimental, and it gets past required client certificates",
  hosts: "not allowed here: hosts are those of a whole service, so list another service for other hosts",
  tls: "the key certificate, such as { type: existing, secretName: NAME }, or trafficPolicy.tls for a backend that speaks TLS",
  backendProtocol: "trafficPolicy.tls: { mode: SIMPLE } for a backend that speaks TLS",
  www: "not allowed: hosts lists both names, [example.com, { host: www.example.com, redirect: 301 }]",
  affinity: "sessionPersistence: {}, or a hash: trafficPolicy.loadBalancing of type CONSISTENT_HASH",
  aliases: "hosts, a list of all its names",
  allowlist: "access.allow, a list of blocks such as 10.0.0.0/8",
  authUrl: "access.externalAuthorization: { provider: NAME }, a provider of the mesh's config",
  backup:
    "not allowed: each backend gets requests by its weight, and trafficPolicy.outlierDetection ejects endpoints that fail",
  basicAuth: `not allowed: there are no passwords. ${ASK_ELSEWHERE}`,
  compression: "not allowed here: compression is a key of services, of their paths and of defaults",
  customErrors: "errorPages, such as { backendErrors: true }, of the gateway or of services",
  errorPages: "not allowed here: errorPages is a key of the gateway and of services",
  hsts: "not allowed here: browsers keep one HSTS policy for a host, so hsts is a key of the gateway and of services",
  brotli: "compression: { algorithms: [brotli] }",
  gzip: "compression: { algorithms: [gzip] }",
  healthCheck:
    "not allowed: readiness probes say which Pods get requests, and trafficPolicy.outlierDetection ejects those that fail",
  limitConnections: PER_CLIENT,
  limitRps: "rateLimit: { type: local-by-address, requests: 10, per: second }",
  maxBodySize: "limits.maxRequestSize, a size such as 8Mi; there is no limit by default",
  modsecurity: `not allowed: there is no web application firewall. ${ASK_ELSEWHERE}`,
  oidc: `not allowed: there is no login. ${ASK_ELSEWHERE}`,
  passthrough: "protocol: tls-passthrough, for a service whose backend ends TLS",
  redirect:
    "not allowed here: services, paths and entries of hosts redirect, such as { path: /old, redirect: { path: /new } }",
  perClient: PER_CLIENT,
  readTimeout:
    "timeouts.backendRequest for the wait for an answer, and limits.streamIdleTimeout for silence from then on",
  retries: "retry: { attempts: 2 }",
  sessionAffinity: "sessionPersistence: {}",
  sessionCookie: "sessionPersistence: {}",
  sslRedirect: "not allowed: plain HTTP is always redirected, except where a service has plainHttp",
  sticky: "sessionPersistence: {}",
  websocket: "not allowed: WebSocket works with protocol http, and stays open while it is used",
  whitelist: "access.allow, a list of blocks such as 10.0.0.0/8",
  enabled: "not allowed: a feature is on where its map is set, and false in place of the map turns it off",
};

/** Keys of other manuals and of earlier versions, each with today's key and the form of its value. */
const RENAMED: Readonly<Record<string, readonly [key: string, form?: string]>> = {
  caCertificates: ["ca", "such as { kind: ConfigMap, name: NAME }"],
  certificateDays: ["certificateExpiresWithin", "a duration such as 14d"],
  insecureSkipVerify: ["insecure"],
  maxAgeSeconds: ["maxAge", "a duration such as 365d"],
  maxRequestBytes: ["maxRequestSize", "a size such as 1Mi"],
  minBytes: ["minSize", "a size such as 1Ki"],
  maxRequestHeadersKb: ["maxRequestHeadersSize", "a size such as 60Ki"],
  memoryMiB: ["memory", "a size such as 128Mi"],
  mode: ["type"],
  perConnectionBufferLimitBytes: ["perConnectionBufferLimit", "a size such as 32Ki"],
  policy: ["type"],
  programmedTimeoutSeconds: ["programmedTimeout", "a duration such as 2m"],
  renewBeforeDays: ["renewBefore", "a duration such as 30d"],
  ttlSeconds: ["ttl", "a duration such as 5m"],
  validityDays: ["validity", "a duration such as 90d"],
};

/** Shortest common prefix, in characters, for one key to be suggested for another. */
const MIN_SHARED = 3;

/** Phrases for wrong types, for schemas without a message of their own. */
const TYPE_PHRASES: Readonly<Record<string, string>> = {
  object: "a map of keys",
  record: "a map of keys",
  array: "a list",
  string: "a text",
  number: "a number",
  boolean: "true or false",
};

/** Checks one part of the config; `prefix` is its key path. Returns the parsed value, or what is wrong with it. */
export function check<T extends z.ZodType>(
  schema: T,
  value: unknown,
  prefix: readonly PropertyKey[],
): { value: z.output<T>; problems: [] } | { value?: undefined; problems: Problem[] } {
  const result = schema.safeParse(value);
  if (result.success) {
    return { value: result.data, problems: [] };
  }
  const { issues } = result.error;
  const own = issues.filter((issue) => !followsFromUnknownKey(issue, issues));
  return { problems: own.flatMap((issue) => toProblems(issue, value, prefix, schema)) };
}

/** A map without a known key lacks one only because of the unknown one. */
function followsFromUnknownKey(
  { code, path, message }: z.core.$ZodIssue,
  issues: readonly z.core.$ZodIssue[],
): boolean {
  return (
    code === "custom" &&
    message.startsWith("at least one of ") &&
    issues.some((other) => other.code === "unrecognized_keys" && keyPath(other.path) === keyPath(path))
  );
}

function toProblems(
  issue: z.core.$ZodIssue,
  root: unknown,
  prefix: readonly PropertyKey[],
  schema: z.ZodType,
): Problem[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const chosen = optionOf(schemaAt(schema, issue.path, root), valueAt(root, issue.path));
    if (chosen !== undefined) {
      const below = (inner: z.core.$ZodIssue) => ({ ...inner, path: [...issue.path, ...inner.path] });
      return (issue.errors[chosen] ?? []).flatMap((inner) => toProblems(below(inner), root, prefix, schema));
    }
  }
  if (issue.code === "invalid_union" && issue.discriminator !== undefined) {
    const at = issue.path.slice(0, -1);
    const given = valueAt(root, at);
    const old = Object.keys(typeof given === "object" && given !== null ? given : {}).find(
      (key) => renamed(key) === issue.discriminator,
    );
    if (old !== undefined && valueAt(root, issue.path) === undefined) {
      const expected = unknownKey(old, [issue.discriminator]);
      return [{ path: keyPath([...prefix, ...at, old]), value: valueAt(given, [old]), expected }];
    }
  }
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, issue.path, root);
    return issue.keys.map((key) => ({
      path: keyPath([...path, key]),
      value: valueAt(root, [...issue.path, key]),
      expected: unknownKey(key, known),
    }));
  }
  return [{ path: keyPath(path), value: valueAt(root, issue.path), expected: phrase(issue) }];
}

function phrase(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_key") {
    // The key itself is wrong: the reason is one level below.
    return issue.issues[0]?.message ?? issue.message;
  }
  const generic = issue.code === "invalid_type" && issue.message.startsWith("Invalid input");
  return generic ? (TYPE_PHRASES[issue.expected] ?? `a ${issue.expected}`) : issue.message;
}

/** The message for a key that no schema has. */
export function unknownKey(key: string, known: readonly string[]): string {
  if (known.includes("service") && known.includes("weight") && /^(tls|https|scheme|protocol)$/.test(key)) {
    return "not allowed here: trafficPolicy: { tls: { mode: SIMPLE } } of the service, for all of its backends";
  }
  if (key === "ca" && known.includes("credentialName")) {
    return "not allowed with MUTUAL: the CAs are in ca.crt of the Secret credentialName";
  }
  const hint = Object.hasOwn(HINTS, key) ? HINTS[key] : undefined;
  if (hint !== undefined) {
    return hint;
  }
  const [, form] = (Object.hasOwn(RENAMED, key) ? RENAMED[key] : undefined) ?? [];
  const now = renamed(key);
  if (now !== undefined && known.includes(now)) {
    return form === undefined ? `the key ${now}: there is no ${key}` : `the key ${now}, ${form}`;
  }
  const nearest = known
    .map((candidate) => ({ candidate, distance: editDistance(key.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (nearest !== undefined && nearest.distance <= Math.max(2, Math.floor(key.length / 3))) {
    return `the key ${nearest.candidate}: there is no ${key}`;
  }
  const extended = known
    .filter((candidate) => isPrefix(key.toLowerCase(), candidate.toLowerCase()))
    .sort((a, b) => b.length - a.length)[0];
  if (extended !== undefined) {
    return `the key ${extended}: there is no ${key}`;
  }
  const [only] = known;
  if (only === undefined) {
    return "no such key";
  }
  return known.length === 1 ? `the key ${only}, which is the only one` : `one of the keys ${known.join(", ")}`;
}

function renamed(key: string): string | undefined {
  return Object.hasOwn(RENAMED, key) ? RENAMED[key]?.[0] : undefined;
}

/** Whether one of two keys starts with the other. */
function isPrefix(a: string, b: string): boolean {
  return Math.min(a.length, b.length) >= MIN_SHARED && (a.startsWith(b) || b.startsWith(a));
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const segment of path) {
    if (typeof value !== "object" || value === null) {
      // A path given as text is short for { path: TEXT }.
      return typeof value === "string" ? value : undefined;
    }
    value = (value as Record<PropertyKey, unknown>)[segment];
  }
  return value;
}

/** Whether the schema has a key at `path`. */
export function hasKey(schema: z.ZodType, path: readonly PropertyKey[], root: unknown): boolean {
  return !(schemaAt(schema, path, root) instanceof z.ZodUnknown);
}

/** The keys that the object at `path` may have. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[], root: unknown): string[] {
  const object = unwrap(schemaAt(schema, path, root), valueAt(root, path));
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

/** The branch of a union (of a thing and a list of such things, `false` and a map, or all three) that a value is meant to be. */
function optionOf(schema: z.core.$ZodType, value: unknown): number | undefined {
  if (!(schema instanceof z.ZodUnion)) {
    return undefined;
  }
  const { options } = schema;
  if (options.some((option) => option instanceof z.ZodArray)) {
    // The last: `false` comes first.
    return options.findLastIndex((option) => option instanceof z.ZodArray === Array.isArray(value));
  }
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  return isMap && options.some((option) => option instanceof z.ZodLiteral)
    ? options.findIndex((option) => !(option instanceof z.ZodLiteral))
    : undefined;
}

/** The schema of the value at `path`. */
function schemaAt(schema: z.ZodType, path: readonly PropertyKey[], root: unknown): z.core.$ZodType {
  let current: z.core.$ZodType = schema;
  let value = root;
  for (const segment of path) {
    current = unwrap(current, value);
    if (current instanceof z.ZodObject) {
      current = (current.shape as Record<PropertyKey, z.core.$ZodType>)[segment] ?? z.unknown();
    } else if (current instanceof z.ZodArray) {
      current = current.element;
    }
    value = valueAt(value, [segment]);
  }
  return bare(current);
}

/** The schema below defaults and optionals. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? bare(schema.unwrap())
    : schema;
}

/** The schema below defaults, optionals, pipes and unions, as chosen by the value. */
function unwrap(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  if (bare(schema) !== schema) {
    return unwrap(bare(schema), value);
  }
  if (schema instanceof z.ZodPipe) {
    return unwrap(schema.out, value);
  }
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const { discriminator } = schema.def;
    const tag = valueAt(value, [discriminator]);
    const option = schema.options.find(
      (candidate) => candidate instanceof z.ZodObject && accepts(candidate.shape[discriminator] as z.ZodType, tag),
    );
    return option === undefined ? schema : unwrap(option, value);
  }
  if (schema instanceof z.ZodUnion) {
    const option = schema.options[optionOf(schema, value) ?? -1];
    return option === undefined ? schema : unwrap(option, value);
  }
  return schema;
}

function accepts(schema: z.ZodType, value: unknown): boolean {
  return schema.safeParse(value).success;
}

/** Levenshtein distance. Both texts are short keys. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
