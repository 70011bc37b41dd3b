import { z } from "zod";
import { regularExpressionFlaw } from "../values/regularExpression";
import { accessSchema } from "./access/access";
import { dnsLabel, orOff, servicePort } from "./fields";
import { pathAnswerShape } from "./routing/answers";
import { pathLimitsSchema } from "./limits/limits";
import { pathRateLimitsSchema } from "./limits/rateLimit";
import { backendsSchema } from "./routing/backend";
import { compressionSchema } from "./routing/compression";
import { corsSchema } from "./routing/cors";
import { pathFilterShape } from "./routing/filters";
import { matchSchema } from "./routing/match";
import { retrySchema } from "./routing/retry";
import { sessionPersistenceSchema } from "./routing/sessionPersistence";
import { timeoutsSchema } from "./routing/timeouts";
import { pathTelemetrySchema } from "./telemetry/telemetry";

/** Gateway API's own rules for path values (HTTPPathMatch validation). */
const FORBIDDEN_IN_PATH = /\/\/|\/\.\.?(\/|$)|%2f/i;
const PATH = /^\/([-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$/;

export const pathRuleSchema = z
  .strictObject({
    path: z.string("a path such as /api").max(1024, "a path of at most 1024 characters").describe("The path."),
    type: z
      .enum(["PathPrefix", "Exact", "RegularExpression"], "PathPrefix, Exact or RegularExpression")
      .default("PathPrefix")
      .describe(
        "PathPrefix matches whole path elements (/api matches /api/v1, not /apis). RegularExpression is RE2 for the whole path, tried after every prefix of the host.",
      ),
    match: matchSchema.optional().describe("Further conditions on requests. Default: none."),
    name: dnsLabel
      .optional()
      .describe("Name of the rule, unique within the service. Default: the path with dashes; `root` for /."),
    port: servicePort
      .optional()
      .describe("Port of this path's backends, by number or name. Default: the service's port."),
    backends: backendsSchema.optional().describe("Backends of this path. Default: the service's backends."),
    timeouts: timeoutsSchema.optional().describe("Timeouts of this path. Default: the service's timeouts."),
    retry: orOff(retrySchema).optional().describe("Retries of this path. Default: the service's retry."),
    cors: orOff(corsSchema).optional().describe("Cross-origin requests to this path. Default: the service's cors."),
    compression: orOff(compressionSchema)
      .optional()
      .describe("Compression of this path's answers. Default: the service's compression."),
    sessionPersistence: orOff(sessionPersistenceSchema)
      .optional()
      .describe("Cookie that keeps clients at an endpoint. Default: the service's sessionPersistence."),
    ...pathFilterShape,
    access: accessSchema
      .optional()
      .describe(
        "Who is let in to this path, in place of the service's access: nothing of that holds here. { public: true } lets everyone in. Default: the service's access.",
      ),
    rateLimit: pathRateLimitsSchema.optional(),
    limits: orOff(pathLimitsSchema)
      .optional()
      .describe("Limits for requests to this path, in place of all of the service's limits. Default: those."),
    telemetry: orOff(pathTelemetrySchema)
      .optional()
      .describe(
        "Which requests to this path are logged and traced, in place of all that the service says; false: as the stack says. Default: as the service.",
      ),
    ...pathAnswerShape,
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

export type ParsedPath = z.output<typeof pathRuleSchema>;
