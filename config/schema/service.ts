import { z } from "zod";
import { accessSchema } from "./access/access";
import { canarySchema } from "./routing/canary";
import { corsSchema } from "./routing/cors";
import { dnsLabel, hostname, port } from "./fields";
import { filterShape } from "./routing/filters";
import { limitsSchema } from "./entry/hardening";
import { hstsSchema } from "./entry/hsts";
import { matchSchema } from "./routing/match";
import { rateLimitsSchema } from "./limits/rateLimit";
import { regularExpressionFlaw } from "../values/regularExpression";
import { retrySchema } from "./routing/retry";
import { serviceTelemetrySchema } from "./telemetry/telemetry";
import { defaultTimeoutsSchema, timeoutsSchema } from "./routing/timeouts";
import { trafficPolicySchema } from "./backends/trafficPolicy";

/** An HTTPRoute holds at most 16 rules (Gateway API v1 schema); each path is a rule. */
const MAX_PATHS = 16;
export const MAX_BACKENDS = 16;

const backendSchema = z.strictObject({
  service: dnsLabel.describe("Name of the Kubernetes Service."),
  namespace: dnsLabel.optional().describe("Namespace of the Service. Default: the service's namespace."),
  port: port.optional().describe("Port of the Service. Default: the service's port."),
  weight: z
    .number("a weight from 0 to 1000000")
    .int("a whole weight from 0 to 1000000")
    .min(0, "a weight from 0 to 1000000")
    .max(1_000_000, "a weight from 0 to 1000000")
    .default(1)
    .describe("Share of requests, in proportion to the sum of all weights. Default 1; 0 sends none."),
});

const backends = z
  .array(backendSchema, "a list of backends")
  .min(1, "at least one backend")
  .max(MAX_BACKENDS, `at most ${MAX_BACKENDS} backends`);

/** Gateway API's own rules for path values (HTTPPathMatch validation). */
const FORBIDDEN_IN_PATH = /\/\/|\/\.\.?(\/|$)|%2f/i;
const PATH = /^\/([-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$/;

export const pathRuleSchema = z
  .strictObject({
    path: z.string("a path such as /api").max(1024, "a path of at most 1024 characters"),
    type: z
      .enum(["PathPrefix", "Exact", "RegularExpression"], "PathPrefix, Exact or RegularExpression")
      .default("PathPrefix")
      .describe(
        "PathPrefix matches whole path elements (/api matches /api/v1, not /apis); RegularExpression is RE2, on the whole path.",
      ),
    match: matchSchema.optional().describe("What a request must have besides its path. Default: nothing."),
    name: dnsLabel
      .optional()
      .describe("Name of the rule, unique within the service. Default: the path with dashes; `root` for /."),
    port: port.optional().describe("Port of this path's backends. Default: the service's port."),
    backends: backends.optional().describe("Backends of this path. Default: the service's backends."),
    timeouts: timeoutsSchema.optional().describe("Timeouts of this path. Default: the service's timeouts."),
    retry: retrySchema.optional().describe("Retries of this path. Default: the service's retry."),
    cors: corsSchema.optional().describe("Cross-origin requests to this path. Default: the service's cors."),
    ...filterShape,
  })
  .superRefine((rule, context) => {
    const complain = (message: string) => context.addIssue({ code: "custom", path: ["path"], message });
    if (rule.type === "RegularExpression") {
      const flaw = regularExpressionFlaw(rule.path);
      if (flaw !== undefined) {
        complain(flaw);
      }
    } else if (!PATH.test(rule.path) || FORBIDDEN_IN_PATH.test(rule.path)) {
      complain(
        "an absolute path without //, /./, /../, %2f, '#', '?', spaces or other characters that a URL encodes ({id} is no placeholder)",
      );
    }
  });

/** A path, or just its text. */
export const pathSchema = z.preprocess(
  (given) => (typeof given === "string" ? { path: given } : given),
  pathRuleSchema,
);

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
  backends: backends.optional().describe("Services that answer. Default: one Service called NAME."),
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

export type ServiceInput = z.output<typeof serviceSchema>;
export type PathInput = ServiceInput["paths"][number];
export type BackendInput = z.output<typeof backendSchema>;
export type DefaultsConfig = z.output<typeof defaultsSchema>;
