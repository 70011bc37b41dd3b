import { z } from "zod";
import { accessSchema } from "./access/access";
import { canarySchema } from "./routing/canary";
import { corsSchema } from "./routing/cors";
import { dnsLabel, hostname, port } from "./fields";
import { filterShape } from "./routing/filters";
import { limitsSchema } from "./limits/limits";
import { hstsSchema } from "./entry/hsts";
import { backendsSchema } from "./routing/backend";
import { pathSchema } from "./routing/path";
import { rateLimitsSchema } from "./limits/rateLimit";
import { retrySchema } from "./routing/retry";
import { serviceTelemetrySchema } from "./telemetry/telemetry";
import { defaultTimeoutsSchema, timeoutsSchema } from "./routing/timeouts";
import { trafficPolicySchema } from "./backends/trafficPolicy";

/** An HTTPRoute holds at most 16 rules (Gateway API v1 schema); each path is a rule. */
const MAX_PATHS = 16;

/** One name under the domain and what answers behind it. */
export const serviceSchema = z.strictObject({
  name: dnsLabel
    .refine((name) => !name.includes("--"), "a name without '--', which separates service and rule in route names")
    .describe("Name of the service, unique in the stack. It names the HTTPRoute and, by default, the host."),
  host: hostname.optional().describe("Host name that clients use. Default: NAME.DOMAIN."),
  namespace: dnsLabel.describe("Namespace of the HTTPRoute and, by default, of the backends."),
  protocol: z
    .enum(["http", "grpc"], "http or grpc")
    .default("http")
    .describe(
      "What clients speak: http (WebSocket too), or grpc: a GRPCRoute whose paths are /package.Service or /package.Service/Method. Default http.",
    ),
  port: port.default(80).describe("Port of the backends' Services. Default 80."),
  backends: backendsSchema.optional().describe("Services that answer. Default: one Service called NAME."),
  paths: z
    .array(pathSchema, "a list of paths")
    .min(1, "at least one path")
    .max(MAX_PATHS, `at most ${MAX_PATHS} paths: an HTTPRoute holds no more rules`)
    .default([{ path: "/", type: "PathPrefix" }])
    .describe("Paths that are served, as strings or with settings of their own. Default: everything."),
  canary: canarySchema.optional().describe("A second version that gets a share of the requests. Default: none."),
  timeouts: timeoutsSchema.optional().describe("Timeouts of the service. Default: defaults.timeouts."),
  retry: retrySchema
    .optional()
    .describe("Retries of the service; needs the experimental CRDs. Default: defaults.retry."),
  cors: corsSchema.optional().describe("Cross-origin requests to the service. Default: none are allowed."),
  ...filterShape,
  access: accessSchema.optional().describe("Who may enter. Default: defaults.access."),
  rateLimit: rateLimitsSchema.optional(),
  limits: limitsSchema.optional().describe("Limits for its requests. Default: those of gateway.hardening alone."),
  hsts: hstsSchema.optional().describe("Strict-Transport-Security of this service. Default: gateway.hsts."),
  telemetry: serviceTelemetrySchema.prefault({}).describe("What the service sets of the stack's telemetry for itself."),
  trafficPolicy: trafficPolicySchema
    .optional()
    .describe(
      "Connection pool, outlier detection and load balancing of its backends. Default: defaults.trafficPolicy.",
    ),
});

/** Values for every service that sets none of its own. */
export const defaultsSchema = z.strictObject({
  timeouts: defaultTimeoutsSchema.prefault({}).describe("Timeouts of services that set none."),
  retry: retrySchema.optional().describe("Retries of services that set none. Default: Istio's own."),
  trafficPolicy: trafficPolicySchema
    .optional()
    .describe("Traffic policy; each of its parts holds for services that do not set that part."),
  access: accessSchema.optional().describe("Who may enter services that do not say. Default: everyone."),
  denyByDefault: z
    .boolean("true or false")
    .default(false)
    .describe(
      "Every service has to say who may enter, by itself or by defaults.access, and hosts that no service names get 403. Default false.",
    ),
});

export type ParsedService = z.output<typeof serviceSchema>;

/** A service that passed its schema, and its place in the list. */
export interface IndexedService {
  readonly index: number;
  readonly service: ParsedService;
}

export type DefaultsConfig = z.output<typeof defaultsSchema>;
