import { z } from "zod";
import { accessSchema } from "./access/access";
import { canarySchema } from "./routing/canary";
import { compressionSchema } from "./routing/compression";
import { corsSchema } from "./routing/cors";
import { ownCertificateSchema } from "./certificate/certificate";
import { hostClientCertificatesSchema } from "./entry/clientCertificates";
import { errorPagesSchema } from "./entry/errorPages";
import { serviceExternalDnsSchema } from "./entry/externalDns";
import { hostsSchema } from "./entry/hosts";
import { dnsLabel, hostPattern, orOff, port, servicePort } from "./fields";
import { faultSchema } from "./routing/fault";
import { answerShape } from "./routing/answers";
import { filterShape } from "./routing/filters";
import { limitsSchema } from "./limits/limits";
import { hstsSchema } from "./entry/hsts";
import { backendsSchema } from "./routing/backend";
import { pathSchema } from "./path";
import { rateLimitsSchema } from "./limits/rateLimit";
import { retrySchema } from "./routing/retry";
import { sessionPersistenceSchema } from "./routing/sessionPersistence";
import { serviceTelemetrySchema } from "./telemetry/telemetry";
import { defaultTimeoutsSchema, timeoutsSchema } from "./routing/timeouts";
import { serviceTrafficPolicySchema, trafficPolicySchema } from "./backends/trafficPolicy";

/** An HTTPRoute holds at most 16 rules (Gateway API v1 schema); each path is a rule. */
const MAX_PATHS = 16;

/** What clients of a service speak. */
const PROTOCOLS = ["http", "grpc", "tls-passthrough", "tls-terminate", "tcp"] as const;

/** Guesses at protocols. */
const PROTOCOL_HINTS: Readonly<Record<string, string>> = {
  udp: "a protocol over TCP: Istio's gateways forward no UDP",
  https: "http: clients always speak https; for a backend that does, trafficPolicy: { tls: { mode: SIMPLE } }",
  http2: "http, for HTTP/1.1, HTTP/2 and WebSocket alike, or grpc",
  websocket: "http, for HTTP/1.1, HTTP/2 and WebSocket alike, or grpc",
};

/** A service: its host names, and what answers behind them. */
export const serviceSchema = z.strictObject({
  name: dnsLabel
    .refine((name) => !name.includes("--"), "a name without '--', which separates service and rule in route names")
    .describe(
      "Name of the service, unique in the stack. It names the HTTPRoute (NAME.GATEWAY.GATEWAY_NAMESPACE) and, by default, the host.",
    ),
  host: hostPattern
    .optional()
    .describe(
      "Host name that clients use, the apex of a domain for instance; *.DOMAIN for all names below one that no other service has, * for all there are. Default: NAME.DOMAIN.",
    ),
  hosts: hostsSchema.optional(),
  certificate: ownCertificateSchema
    .optional()
    .describe("Certificate of its hosts alone, which may then be outside every domain. Default: that of their domain."),
  clientCertificates: hostClientCertificatesSchema
    .optional()
    .describe("Ask clients of its hosts for a certificate. Default: gateway.tls.clientCertificates, or none."),
  namespace: dnsLabel.describe("Namespace of the HTTPRoute and, by default, of the backends."),
  gateways: z
    .array(dnsLabel, "a list of groups of gateways")
    .min(1, "at least one group of gateways")
    .optional()
    .describe(
      "Gateways that serve it, by their gateway.group, where several stacks share a list: [internal, external]. Default: all.",
    ),
  protocol: z
    .enum(PROTOCOLS, {
      error: ({ input }) => PROTOCOL_HINTS[String(input)] ?? `one of ${PROTOCOLS.join(", ")}`,
    })
    .default("http")
    .describe(
      "What clients speak: http, WebSocket included; grpc: a GRPCRoute with paths such as /package.Service or /package.Service/Method; tls-passthrough: any TLS, passed on by server name as it is; tls-terminate: any TLS, ended at the gateway; tcp: anything, by listenPort alone.",
    ),
  listenPort: port
    .optional()
    .describe("Port of the gateway that clients connect to. tcp needs one of its own. Default: 443."),
  plainHttp: z
    .boolean("true or false")
    .optional()
    .describe(
      "Serve its hosts on port 80 without TLS too, in place of the redirect: whoever is on the way can read and change what clients send. Default: false.",
    ),
  port: servicePort
    .default(80)
    .describe("Port of the backends' Services: its number, or its name, which each Service is looked up for."),
  backends: backendsSchema.optional().describe("Kubernetes Services that answer. Default: the one called NAME."),
  paths: z
    .array(pathSchema, "a list of paths")
    .min(1, "at least one path")
    .max(MAX_PATHS, `at most ${MAX_PATHS} paths: an HTTPRoute holds no more rules`)
    .default([{ path: "/", type: "PathPrefix" }])
    .describe("Paths that are served, as texts or with settings of their own. Default: everything."),
  canary: canarySchema.optional().describe("A second version that gets a share of the requests. Default: none."),
  timeouts: timeoutsSchema.optional().describe("Timeouts of the service. Default: defaults.timeouts."),
  retry: orOff(retrySchema)
    .optional()
    .describe(
      "Retries of the service; needs the experimental CRDs. false turns off Istio's own too. Default: defaults.retry.",
    ),
  cors: corsSchema.optional().describe("Cross-origin requests to the service. Default: not allowed."),
  compression: orOff(compressionSchema)
    .optional()
    .describe(
      "Compress its answers. Not for pages that show what a client sent beside a secret (BREACH). Default: defaults.compression.",
    ),
  sessionPersistence: sessionPersistenceSchema
    .optional()
    .describe(
      "Keep each client at the endpoint that it got first, by a cookie, as long as that is healthy. Default: each request goes where load balancing says.",
    ),
  ...filterShape,
  ...answerShape,
  access: accessSchema.optional().describe("Who is let in. Default: defaults.access."),
  rateLimit: rateLimitsSchema.optional(),
  limits: limitsSchema
    .optional()
    .describe("Limits for its requests, beside those of gateway.hardening. Default: none."),
  fault: faultSchema
    .optional()
    .describe("Requests that are delayed or aborted on purpose, to test how clients cope. Default: none."),
  externalDns: orOff(serviceExternalDnsSchema)
    .optional()
    .describe("What external-dns does for its hosts, beside gateway.externalDns; false publishes none of them."),
  errorPages: orOff(errorPagesSchema)
    .optional()
    .describe("Pages for the gateway's own answers to requests for this service. Default: gateway.errorPages."),
  hsts: orOff(hstsSchema).optional().describe("Strict-Transport-Security of this service. Default: gateway.hsts."),
  telemetry: serviceTelemetrySchema.prefault({}).describe("Settings that differ from the stack's telemetry."),
  trafficPolicy: serviceTrafficPolicySchema
    .optional()
    .describe(
      "Connection pool, outlier detection, load balancing and TLS of its backends. Default: defaults.trafficPolicy, part by part.",
    ),
});

/** Values for every service that sets none of its own. */
export const defaultsSchema = z.strictObject({
  timeouts: defaultTimeoutsSchema.prefault({}).describe("Timeouts of services that set none."),
  retry: orOff(retrySchema)
    .optional()
    .describe(
      "Retries of services that set none. Default: Istio's own, two where no connection came about; false turns them off.",
    ),
  compression: compressionSchema
    .optional()
    .describe("Compression of services that set none and are not gRPC. Default: backends compress what they serve."),
  trafficPolicy: trafficPolicySchema
    .optional()
    .describe("Traffic policy; each part applies to services that do not set that part."),
  access: accessSchema.optional().describe("Who is let in to services without access of their own. Default: everyone."),
  denyByDefault: z
    .boolean("true or false")
    .default(false)
    .describe("Require access for every service, its own or defaults.access, and answer hosts of no service with 403."),
});

export type ParsedService = z.output<typeof serviceSchema>;

/** A service that passed its schema, and its place in the list. */
export interface IndexedService {
  readonly index: number;
  readonly service: ParsedService;
}

export type DefaultsConfig = z.output<typeof defaultsSchema>;
