import type { serviceSchema } from "../../config/schema/service";
import type { Answer } from "../../verify/client";

/**
 * What every feature of a service consists of. A key that is missing here does not compile, and tests/features/features.test.ts fails
 * where a feature lacks a part. CONTRIBUTING.md says how to add one.
 */
export interface Feature {
  /** Keys of a valid service that uses it. */
  readonly example: Values;
  /** Keys of the stack that it needs. */
  readonly stack?: Values;
  /** Keys of a service that break a rule of it, in config/schema or config/rules, and the message. */
  readonly refused: { readonly service: Values; readonly expected: RegExp };
  /** Kind of the object that it changes. */
  readonly object: string;
  /** What the review says of a change that adds it. */
  readonly review: RegExp;
  /** What the route map shows of it. */
  readonly routeMap: RegExp | None;
  /** What `verify` names as the cause of an answer that it gave. */
  readonly verify: { readonly answer: Partial<Answer>; readonly cause: RegExp } | None;
}

/** A part that a feature does not have, and why. */
export interface None {
  readonly none: string;
}

type Values = Readonly<Record<string, unknown>>;

/** A CA of a hundred years, whose key nobody has. */
const CA = `-----BEGIN CERTIFICATE-----
MIIBgDCCASegAwIBAgIUNyRK5B/ScgiGgi6BcAC8uK0bsC8wCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKRXhhbXBsZSBDQTAgFw0yNjExMjkxNzA5NDRaGA8yMTI2MTEw
NTE3MDk0NFowFTETMBEGA1UEAwwKRXhhbXBsZSBDQTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABELPJ8FILwP14nuUK/CNy4HhihF1jNhNsEXBUFICs/35WFUy/6sO
rhR8DLIguSygGVs2ZkGSgZk/9wwMIONkBMOjUzBRMB0GA1UdDgQWBBQFe8YIvlBF
jdyTyNQXuj++skfHaTAfBgNVHSMEGDAWgBQFe8YIvlBFjdyTyNQXuj++skfHaTAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIApm8dlDgIa0rZuyHXJj
sl/um6Gk9rU6qIClYoJ6VqGDAiB+nM6ghphVKEsWKQ3Ux4BxqFj98y40iJ/2k4W8
JJCvgw==
-----END CERTIFICATE-----
`;
const BACKENDS_ANSWER: None = { none: "what it changes, the backend answers; a row of its own looks at nothing else" };
const ADDRESS = { gateway: { clientAddress: { trustedProxies: 0 } } };

export const FEATURES: Readonly<Record<keyof typeof serviceSchema.shape, Feature>> = {
  name: {
    example: { name: "shop" },
    refused: { service: { name: "a--b" }, expected: /a name without '--'/ },
    object: "HTTPRoute",
    review: /^new, open to all: https:\/\/shop\.example\.test$/,
    routeMap: /shop\.example\.test/,
    verify: { answer: { status: 404, body: "" }, cause: /has no route for it/ },
  },
  host: {
    example: { host: "www.example.test" },
    refused: { service: { host: "www.elsewhere.test" }, expected: /exactly one label below example\.test/ },
    object: "HTTPRoute",
    review: /^host web\.example\.test → www\.example\.test$/,
    routeMap: /\| www\.example\.test \|/,
    verify: { answer: { status: 404, body: "" }, cause: /has no route for it/ },
  },
  hosts: {
    example: { hosts: ["web.example.test", { host: "example.test", redirect: 308 }] },
    refused: {
      service: { hosts: ["web.example.test", { host: "web.example.test", redirect: 308 }] },
      expected: /a host other than hosts\[0\]: it would redirect to itself/,
    },
    object: "HTTPRoute",
    review: /^https:\/\/example\.test now redirects with 308 to web\.example\.test$/,
    routeMap: /\| example\.test \| `\/` \| `https:\/\/web\.example\.test` \| redirected with 308 \|/,
    verify: { answer: { status: 404, body: "" }, cause: /has no route for it/ },
  },
  certificate: {
    example: { host: "web.deep.example.test", certificate: { type: "existing", secretName: "deep" } },
    refused: {
      service: { certificate: { type: "self-signed" } },
      expected: /either existing or cert-manager/,
    },
    object: "Gateway",
    review: /^new certificate for web\.deep\.example\.test: existing, in the Secret deep$/,
    routeMap: /\| web\.deep\.example\.test \|/,
    verify: { none: "it is served in the handshake, before there is an answer" },
  },
  clientCertificates: {
    example: { clientCertificates: { caCertificate: CA } },
    refused: {
      service: { clientCertificates: { caCertificate: CA, crl: CA } },
      expected: /revocation lists in PEM: BEGIN X509 CRL/,
    },
    object: "Gateway",
    review: /^clientCertificates added: caCertificate \(PEM\)$/,
    routeMap: /certificate of the client/,
    verify: { none: "a row of its own connects without a certificate" },
  },
  namespace: {
    example: { namespace: "shop" },
    refused: { service: { namespace: "Shop" }, expected: /a DNS label/ },
    object: "HTTPRoute",
    review: /^namespace apps → shop$/,
    routeMap: /shop\/web:80/,
    verify: { answer: { status: 500, body: "" }, cause: /backend does not exist/ },
  },
  protocol: {
    example: { protocol: "grpc" },
    refused: { service: { protocol: "grpc", retry: { attempts: 1 } }, expected: /a GRPCRoute has no retry/ },
    object: "GRPCRoute",
    review: /^protocol http → grpc$/,
    routeMap: /no timeout/,
    verify: BACKENDS_ANSWER,
  },
  gateways: {
    example: { gateways: ["external"] },
    stack: { gateway: { group: "internal" } },
    refused: { service: { gateways: ["internal"] }, expected: /gateway\.group in the stack too/ },
    object: "HTTPRoute",
    review: /^removed, https:\/\/web\.example\.test no longer answers$/,
    routeMap: { none: "the map is that of one gateway" },
    verify: { none: "verify looks at one gateway" },
  },
  plainHttp: {
    example: { plainHttp: true },
    refused: { service: { plainHttp: true, hsts: { maxAge: "1h" } }, expected: /hsts: false with it/ },
    object: "Gateway",
    review: /^http:\/\/web\.example\.test is now served without TLS, previously redirected$/,
    routeMap: /without TLS too/,
    verify: { none: "a row of its own asks without TLS" },
  },
  externalDns: {
    example: { externalDns: { ttl: "1m", annotations: { "cloudflare-proxied": "true" } } },
    stack: { gateway: { externalDns: {} } },
    refused: { service: { externalDns: { annotations: { target: "x" } } }, expected: /reads target from the Gateway/ },
    object: "HTTPRoute",
    review: /^externalDns\.ttl 5m → 1m$/,
    routeMap: { none: "it changes records, not routes" },
    verify: { none: "a row of its own asks DNS" },
  },
  listenPort: {
    example: { protocol: "tcp", listenPort: 5432 },
    refused: { service: { protocol: "tcp", listenPort: 15_021 }, expected: /Istio's proxies use these/ },
    object: "TCPRoute",
    review: /^new, TCP on port 5432, open to all$/,
    routeMap: /TCP port 5432/,
    verify: { none: "a row of its own connects to it" },
  },
  port: {
    example: { port: 8080 },
    refused: { service: { port: 0 }, expected: /a port from 1 to 65535/ },
    object: "HTTPRoute",
    review: /^requests go to apps\/web:8080, previously to apps\/web:80/,
    routeMap: /apps\/web:8080/,
    verify: { answer: { status: 500, body: "" }, cause: /no such port/ },
  },
  backends: {
    example: { backends: [{ service: "other" }] },
    refused: { service: { backends: [{ service: "a", weight: 0 }] }, expected: /weights with a sum above 0/ },
    object: "HTTPRoute",
    review: /^requests go to apps\/other:80, previously to apps\/web:80/,
    routeMap: /apps\/other:80/,
    verify: { answer: { status: 503, body: "no healthy upstream" }, cause: /no healthy endpoint/ },
  },
  paths: {
    example: { paths: ["/", "/api"] },
    refused: { service: { paths: ["/a", "/a/"] }, expected: /a host and path that .* does not claim/ },
    object: "HTTPRoute",
    review: /^new rule for \/api: apps\/web:80$/,
    routeMap: /`\/api`/,
    verify: { answer: { status: 404, body: "" }, cause: /has no route for it/ },
  },
  canary: {
    example: { canary: { service: "web-next", percent: 10 } },
    refused: { service: { canary: { service: "web", percent: 10 } }, expected: /a Service other than the stable one/ },
    object: "HTTPRoute",
    review: /^requests go to apps\/web:80 90 %, canary 10 %/,
    routeMap: /web-next:80` 10 %/,
    verify: { answer: { status: 503, body: "no healthy upstream" }, cause: /no healthy endpoint/ },
  },
  timeouts: {
    example: { timeouts: { request: "5s" } },
    refused: {
      service: { timeouts: { request: "1s", backendRequest: "2s" } },
      expected: /at most timeouts\.request \(1s\)/,
    },
    object: "HTTPRoute",
    review: /^timeout 0s → 5s$/,
    routeMap: /timeout 5s/,
    verify: { answer: { status: 504, body: "" }, cause: /within the route's timeout/ },
  },
  retry: {
    example: { retry: { attempts: 2 } },
    refused: {
      service: { timeouts: { request: "1s" }, retry: { attempts: 10, backoff: "10s" } },
      expected: /do not fit into/,
    },
    object: "HTTPRoute",
    review: /^retry added: attempts 2$/,
    routeMap: /2 retries/,
    verify: BACKENDS_ANSWER,
  },
  cors: {
    example: { cors: { allowOrigins: ["https://app.test"] } },
    refused: {
      service: { cors: { allowOrigins: ["https://a.test"] }, paths: [{ path: "/", match: { method: "GET" } }] },
      expected: /cors also on \//,
    },
    object: "HTTPRoute",
    review: /^cors added: allowOrigins https:\/\/app\.test/,
    routeMap: /CORS for https:\/\/app\.test/,
    verify: BACKENDS_ANSWER,
  },
  compression: {
    example: { compression: { algorithms: ["gzip"] } },
    refused: { service: { protocol: "grpc", compression: {} }, expected: /not allowed for gRPC, which compresses/ },
    object: "EnvoyFilter",
    review: /^compression added: algorithms gzip, minSize 1Ki, contentTypes text\/html/,
    routeMap: /compressed with gzip/,
    verify: BACKENDS_ANSWER,
  },
  sessionPersistence: {
    example: { sessionPersistence: {} },
    refused: { service: { protocol: "grpc", sessionPersistence: {} }, expected: /not allowed for gRPC, whose clients/ },
    object: "EnvoyFilter",
    review: /^sessionPersistence added/,
    routeMap: /clients stay with an endpoint/,
    verify: BACKENDS_ANSWER,
  },
  requestHeaders: {
    example: { requestHeaders: { set: { "x-a": "b" } } },
    refused: { service: { requestHeaders: {} }, expected: /at least one of set, add, remove/ },
    object: "HTTPRoute",
    review: /^requestHeaders added: set x-a b$/,
    routeMap: /headers changed/,
    verify: BACKENDS_ANSWER,
  },
  responseHeaders: {
    example: { responseHeaders: { set: { "x-a": "b" } } },
    refused: {
      service: { hsts: { maxAge: "1h" }, responseHeaders: { remove: ["Strict-Transport-Security"] } },
      expected: /strict-transport-security, which hsts sets/,
    },
    object: "HTTPRoute",
    review: /^responseHeaders added: set x-a b$/,
    routeMap: /headers changed/,
    verify: { none: "the row `headers` looks at what a response must not hold; it names its cause itself" },
  },
  rewrite: {
    example: { rewrite: { prefix: "/v1" } },
    refused: {
      service: { rewrite: { prefix: "/v1" }, paths: [{ path: "/a", type: "Exact" }] },
      expected: /has no prefix to replace/,
    },
    object: "HTTPRoute",
    review: /^rewrite added: prefix \/v1$/,
    routeMap: /rewritten to \/v1/,
    verify: BACKENDS_ANSWER,
  },
  mirror: {
    example: { mirror: { service: "copy" } },
    refused: { service: { mirror: { service: "copy", percent: 0 } }, expected: /from 1 to 100/ },
    object: "HTTPRoute",
    review: /^mirror added: .*service copy/,
    routeMap: /100 % mirrored to apps\/copy:80/,
    verify: { none: "answers of copies are thrown away: no client sees them" },
  },
  redirect: {
    example: { redirect: { host: "www.example.test", prefix: "/new", status: 301 } },
    refused: {
      service: { redirect: { path: "/" } },
      expected: /another host, scheme, port or path: \/ leads to itself/,
    },
    object: "HTTPRoute",
    review: /^redirect added: host www\.example\.test, prefix \/new, status 301$/,
    routeMap: /\| redirects to www\.example\.test\/new… with 301 \|/,
    verify: { none: "the row `routes` compares status and Location; it names its cause itself" },
  },
  respond: {
    example: { respond: { status: 200, body: "User-agent: *\n" } },
    refused: { service: { respond: { status: 204, body: "x" } }, expected: /no body with 204, 205 or 304/ },
    object: "EnvoyFilter",
    review: /^respond added: status 200, body User-agent: \*/,
    routeMap: /\| answers 200 itself \|/,
    verify: { none: "the row `routes` compares the status; it names its cause itself" },
  },
  deny: {
    example: { deny: true },
    refused: { service: { deny: true, respond: { status: 200 } }, expected: /either respond or deny/ },
    object: "EnvoyFilter",
    review: /^deny added: status 403$/,
    routeMap: /\| refuses with 403 \|/,
    verify: { answer: { status: 403, body: "" }, cause: /^deny of \/ refuses every client$/ },
  },
  maintenance: {
    example: { maintenance: { retryAfter: "10m" } },
    refused: { service: { maintenance: { retryAfter: "0s" } }, expected: /from 1s to 30d in whole seconds/ },
    object: "EnvoyFilter",
    review: /^maintenance added: retryAfter 10m$/,
    routeMap: /in maintenance/,
    verify: { answer: { status: 503, body: "" }, cause: /^maintenance of the service/ },
  },
  access: {
    example: { access: { allow: ["10.0.0.0/8"] } },
    stack: ADDRESS,
    refused: {
      service: { access: { allow: ["10.0.0.0/8"], deny: ["10.0.0.0/8"] } },
      expected: /deny takes precedence/,
    },
    object: "EnvoyFilter",
    review: /^now open to clients from 10\.0\.0\.0\/8, previously open to all$/,
    routeMap: /open to clients from 10\.0\.0\.0\/8/,
    verify: { answer: { status: 403, body: "RBAC: access denied" }, cause: /an access rule of the gateway/ },
  },
  rateLimit: {
    example: { rateLimit: { type: "local", requests: 5, per: "second" } },
    refused: {
      service: {
        rateLimit: [
          { type: "local", requests: 1, per: "second" },
          { type: "local", requests: 1, per: "hour" },
        ],
      },
      expected: /one local limit/,
    },
    object: "EnvoyFilter",
    review: /^rate limit added: .*requests 5/,
    routeMap: /local limit 5 per second/,
    verify: { answer: { status: 429, body: "" }, cause: /a rate limit is used up/ },
  },
  limits: {
    example: { limits: { maxRequestSize: "1Mi" } },
    refused: { service: { limits: {} }, expected: /at least one of maxRequestSize, streamIdleTimeout/ },
    object: "EnvoyFilter",
    review: /^limits added: maxRequestSize/,
    routeMap: /bodies up to 1Mi/,
    verify: { answer: { status: 413, body: "Payload Too Large" }, cause: /limits\.maxRequestSize/ },
  },
  fault: {
    example: { fault: { delay: { duration: "2s", percent: 10 }, abort: { status: 503, percent: 5 } } },
    refused: {
      service: { limits: { streamIdleTimeout: "2s" }, fault: { delay: { duration: "2s" } } },
      expected: /less than limits\.streamIdleTimeout \(2s\)/,
    },
    object: "EnvoyFilter",
    review: /^fault injection added: delay duration 2s, percent 10, abort status 503, percent 5$/,
    routeMap: /10 % delayed by 2s; 5 % aborted with 503/,
    verify: { answer: { status: 503, body: "fault filter abort" }, cause: /^fault\.abort of the service/ },
  },
  errorPages: {
    example: { errorPages: { pages: [{ html: "<h1>${title}</h1>" }], backendErrors: true } },
    refused: {
      service: { errorPages: { pages: [{ html: "<h1>${path}</h1>" }] } },
      expected: /no other variables than \$\{status\}, \$\{title\}, \$\{requestId\}/,
    },
    object: "EnvoyFilter",
    review: /^errorPages added: pages html <h1>\$\{title\}<\/h1>, backendErrors true$/,
    routeMap: /error pages, for backends' 5xx too/,
    verify: {
      answer: { status: 503, body: "<h1>Service Unavailable</h1>", headers: { "proxy-status": "unified-gateway" } },
      cause: /^errorPages hides which/,
    },
  },
  hsts: {
    example: { hsts: { maxAge: "1h" } },
    refused: { service: { hsts: { maxAge: "1h", preload: true } }, expected: /preload/ },
    object: "HTTPRoute",
    review: /^hsts added: maxAge 1h/,
    routeMap: /HSTS max-age=3600/,
    verify: { none: "the row `headers` compares the header; it names its cause itself" },
  },
  telemetry: {
    example: { telemetry: { traces: { samplePercent: 5 } } },
    stack: { telemetry: { traces: { provider: "otel" } } },
    refused: { service: { telemetry: { accessLogs: { samplePercent: 5 } } }, expected: /telemetry\.accessLogs/ },
    object: "EnvoyFilter",
    review: /^telemetry\.traces added: samplePercent 5$/,
    routeMap: /5 % traced/,
    verify: { none: "no client sees it" },
  },
  trafficPolicy: {
    example: { trafficPolicy: { connections: { maxConnections: 10 } } },
    refused: {
      service: { trafficPolicy: { connections: { maxRetries: 1 }, retryBudget: {} } },
      expected: /either connections\.maxRetries or retryBudget/,
    },
    object: "DestinationRule",
    review: /^trafficPolicy\.connections added: maxConnections 10$/,
    routeMap: /connections/,
    verify: {
      answer: {
        status: 503,
        body: "upstream connect error or disconnect/reset before headers. reset reason: overflow",
      },
      cause: /circuit breaker/,
    },
  },
};
