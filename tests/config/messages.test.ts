import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { loadConfig } from "../../config/load/load";
import { keysWithSecrets } from "../../config/load/secrets";
import { check } from "../../config/load/zodProblems";
import { ConfigError, type Problem } from "../../config/values/problem";
import { Draw } from "../fuzz/support/draw";
import { AUTHORITY } from "../fuzz/support/material";
import { RULES } from "../fuzz/support/mutations";
import { drawStack } from "../fuzz/support/stack";
import { PLACES } from "../support/schemaPlaces";
import { mistakes } from "../support/stacks";

/** Values that are wrong nearly everywhere: types, bounds, forms, and unknown keys. */
const WRONG: readonly unknown[] = [
  ...[undefined, null, true, false, [], {}, [[]], [{}], ["a b", "a b"], { zz: 1 }, { enabled: true }, { " ": "" }],
  ...[-1, 0, 0.5, 1, 200, 1e12, NaN],
  ...[
    "",
    "1",
    "0",
    "no such\nvalue",
    "ü",
    "30 s",
    "99999d",
    "1ms",
    "0s",
    "0Ki",
    "64KB",
    "999Gi",
    "*",
    "-",
    "(",
    "/a//b",
  ],
  ...["10.0.0.1/8", "a.b.".repeat(100), "x".repeat(5000), "-----BEGIN X-----"],
];

const ofSchemas = PLACES.flatMap(({ path, schema }) =>
  WRONG.flatMap((value) =>
    check(schema, value, ["key"]).problems.map((problem) => ({ ...problem, at: problem.path, path, schema })),
  ),
);

/** What the rules between keys report, each violated in some valid configs. */
async function ofRules(): Promise<Problem[]> {
  const authority = await AUTHORITY;
  return Object.values(RULES).flatMap((rule) =>
    fc.sample(fc.gen(), { numRuns: 3, seed: 1 }).flatMap((generate) => {
      const draw = new Draw(generate);
      const given = drawStack(draw, authority);
      rule(draw, given.values);
      const values = JSON.parse(JSON.stringify(given.values)) as Record<string, unknown>;
      try {
        loadConfig({ ...given, values, secretKeys: keysWithSecrets(values) });
        return [];
      } catch (error) {
        assert.ok(error instanceof ConfigError);
        return error.problems;
      }
    }),
  );
}

/** Texts in the source of the config: messages of every branch, tested or not. */
function inSource(): string[] {
  const root = join(__dirname, "..", "..", "config");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  return files.flatMap((file) => {
    const code = readFileSync(join(root, file), "utf8").replace(/^\s*(\/\*\*?|\*|\/\/).*$/gm, "");
    return [...code.matchAll(/"([^"\n]*)"|`([^`]*)`/g)].map(([, text, template]) => text ?? template ?? "");
  });
}

const AWKWARD: readonly RegExp[] = [
  /nothing here/,
  /a whole number of (an?|the)\b/,
  /\ban? an?\b/,
  /\b(whom|thereof|save for|expected|undefined|native code)\b/,
  /Invalid input|Unrecognized|Too (big|small)|\[object/,
];

/** Literals that a message may start with and that do not start a sentence. */
const LITERAL = /^(["'{*/]|[A-Z]+[A-Z_\d]+\b|[A-Z][a-z]+[A-Z]\w*\b|IP\b|CAs\b|Selector, )/;

function flaws(message: string): string[] {
  const isList = message.startsWith("one of ");
  return [
    ...AWKWARD.filter((pattern) => pattern.test(message)).map(String),
    ...(/\b(\w+) \1\b/i.test(message) ? ["a word twice"] : []),
    ...(/^[a-z]/.test(message) || LITERAL.test(message) ? [] : ["starts like a sentence"]),
    ...(/[.!]$|\s$|^\s|\n/.test(message) ? ["ends or breaks like a sentence"] : []),
    ...(message.length > 200 && !isList ? ["longer than 200 characters"] : []),
  ];
}

describe("config/messages", () => {
  it("complete “expected …” in plain words, at every key", () => {
    assert.ok(PLACES.length > 250 && ofSchemas.length > 4000, `${PLACES.length} places, ${ofSchemas.length} messages`);
    const found = ofSchemas.flatMap(({ path, expected }) =>
      flaws(expected).map((flaw) => `${path}: ${expected}: ${flaw}`),
    );
    assert.deepEqual([...new Set(found)], []);
  });

  it("do so between keys too", async () => {
    const problems = await ofRules();
    assert.ok(problems.length >= Object.keys(RULES).length);
    const found = problems.flatMap(({ path, expected }) =>
      flaws(expected).map((flaw) => `${path}: ${expected}: ${flaw}`),
    );
    assert.deepEqual([...new Set(found)], []);
  });

  it("contain no awkward phrase anywhere in the source", () => {
    const worn = /nothing here|nothing (for|beside)\b|\bwhom\b|\bthereof\b|\bsave (for|where)\b|who may enter where/;
    assert.deepEqual(
      inSource().filter((text) => worn.test(text)),
      [],
    );
  });

  it("offer no value that is refused", () => {
    const own = ofSchemas.filter(({ at }) => at === "key");
    const offers = own.flatMap((problem) => [
      ...(/\b0s\b/.test(problem.expected) ? [{ ...problem, offer: "0s" }] : []),
      ...(/\bfrom 0 to\b/.test(problem.expected) ? [{ ...problem, offer: 0 }] : []),
      ...[...(/such as ([0-9]\w*)/g.exec(problem.expected)?.slice(1) ?? [])].map((offer) => ({ ...problem, offer })),
    ]);
    assert.ok(offers.length > 50);
    const refused = offers.filter(({ schema, offer }) => check(schema, offer, []).problems.length > 0);
    assert.deepEqual(
      [...new Set(refused.map(({ path, expected, offer }) => `${path}: ${expected}: refuses ${offer}`))].filter(
        (line) => !line.includes("IP address or a CIDR block"),
      ),
      [],
    );
  });

  const telemetry = (accessLogs: object) => ({ telemetry: { accessLogs: { provider: "p", ...accessLogs } } });
  const service = (more: object) => ({ services: [{ name: "web", namespace: "apps", ...more }] });
  const limited = service({ rateLimit: { type: "global", requests: 1, per: "hour" } });
  const CASES: readonly (readonly [values: Record<string, unknown>, path: string, expected: string | RegExp])[] = [
    [telemetry({ errorsFrom: 200 }), "telemetry.accessLogs.errorsFrom", "an HTTP status from 400 to 599"],
    [telemetry({ slowerThan: "1" }), "telemetry.accessLogs.slowerThan", "a duration above 0, such as 10s"],
    [
      telemetry({ samplePercent: "1" }),
      "telemetry.accessLogs.samplePercent",
      "a percentage from 0 to 100, without decimals",
    ],
    [service({ retry: true }), "services[0].retry", "a map of keys, or false to turn it off"],
    [service({ retry: { attempts: 0 } }), "services[0].retry.attempts", "a whole number of retries from 1 to 10"],
    [
      service({ trafficPolicy: { loadBalancing: { policy: "RANDOM" } } }),
      "services[0].trafficPolicy.loadBalancing.policy",
      "the key type: there is no policy",
    ],
    [
      { gateway: { hsts: { maxAge: "1d", maxAgeSeconds: 86_400 } } },
      "gateway.hsts.maxAgeSeconds",
      "the key maxAge, a duration such as 365d",
    ],
    [
      { gateway: { externalDns: { ttlSeconds: 60 } } },
      "gateway.externalDns.ttlSeconds",
      "the key ttl, a duration such as 5m",
    ],
    [
      { gateway: { programmedTimeoutSeconds: 60 } },
      "gateway.programmedTimeoutSeconds",
      "the key programmedTimeout, a duration such as 2m",
    ],
    [
      { gateway: { hardening: { maxRequestHeadersKb: 60 } } },
      "gateway.hardening.maxRequestHeadersKb",
      "the key maxRequestHeadersSize, a size such as 60Ki",
    ],
    [
      { gateway: { hardening: { perConnectionBufferLimitBytes: 1 } } },
      "gateway.hardening.perConnectionBufferLimitBytes",
      "the key perConnectionBufferLimit, a size such as 32Ki",
    ],
    [
      { gateway: { hardening: { enabled: false } } },
      "gateway.hardening.enabled",
      "not allowed: a feature is on where its map is set, and false in place of the map turns it off",
    ],
    [{ certificate: { mode: "existing" } }, "certificate.mode", "the key type: there is no mode"],
    [
      { certificate: { type: "self-signed", validityDays: 1 } },
      "certificate.validityDays",
      "the key validity, a duration such as 90d",
    ],
    [
      { certificate: { type: "self-signed", renewBeforeDays: 1 } },
      "certificate.renewBeforeDays",
      "the key renewBefore, a duration such as 30d",
    ],
    [
      { ...limited, rateLimitService: { resources: { memoryMiB: 128 } } },
      "rateLimitService.resources.memoryMiB",
      "the key memory, a size such as 128Mi",
    ],
    [
      service({ limits: { streamIdleTimeout: "1h", maxRequestBytes: 1 } }),
      "services[0].limits.maxRequestBytes",
      "the key maxRequestSize, a size such as 1Mi",
    ],
    [
      { telemetry: { metrics: { scrape: "config-map" }, alerts: { certificateDays: 7 } } },
      "telemetry.alerts.certificateDays",
      "the key certificateExpiresWithin, a duration such as 14d",
    ],
    ...(
      [
        ["affinity", /^sessionPersistence: \{\}, or a hash/],
        ["aliases", /^hosts, a list/],
        ["authUrl", /^access\.externalAuthorization: /],
        ["backup", /gets requests by its weight/],
        ["limitConnections", /counts no client's connections; rateLimit/],
        ["limitRps", /^rateLimit: \{ type: local-by-address/],
        ["perClient", /counts no client's connections/],
        ["readTimeout", /^timeouts\.backendRequest .* limits\.streamIdleTimeout/],
        ["sticky", /^sessionPersistence: \{\}/],
        ["basicAuth", /there are no passwords/],
        ["gzip", /^compression: \{ algorithms: \[gzip\] \}/],
        ["customErrors", /^errorPages, such as \{ backendErrors: true \}/],
        ["healthCheck", /outlierDetection ejects/],
        ["maxBodySize", /^limits\.maxRequestSize/],
        ["modsecurity", /no web application firewall/],
        ["oidc", /there is no login/],
        ["passthrough", /^protocol: tls-passthrough/],
        ["retries", /^retry: \{ attempts: 2 \}/],
        ["sslRedirect", /always redirected/],
        ["websocket", /works with protocol http/],
        ["whitelist", /^access\.allow/],
      ] as const
    ).map(([key, expected]) => [service({ [key]: {} }), `services[0].${key}`, expected] as const),
    [service({ protocol: "https" }), "services[0].protocol", /^http: clients always speak https/],
    [
      service({ backends: [{ service: "a", host: "a.test" }] }),
      "services[0].backends[0].host",
      /^one of service, host, address: where the requests go/,
    ],
    [{ mtls: { wholeMesh: true, strict: [] } }, "mtls.strict", "the key strictNamespaces: there is no strict"],
  ];

  for (const [values, path, expected] of CASES) {
    it(`${path}: ${String(expected)}`, () => {
      const lines = mistakes(values);
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.ok(lines[0]?.startsWith(`istio-gateway:${path}: `), lines[0]);
      const [, told = ""] = /, expected (.*)$/.exec(lines[0] ?? "") ?? [];
      assert.ok(typeof expected === "string" ? told === expected : expected.test(told), lines[0]);
    });
  }
});
