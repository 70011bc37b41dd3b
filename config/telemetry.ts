import { z } from "zod";
import { positiveDuration, wholeNumber } from "./fields";

/** Name of a provider in Istio's meshConfig.extensionProviders. */
const provider = z
  .string("the name of an extension provider")
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/, "the name of an extension provider of Istio's meshConfig");

/** Which requests are logged: all that fail or are slow, and a share of the others. */
const accessLogShape = {
  samplePercent: wholeNumber(0, 100, "percent"),
  errorsFrom: wholeNumber(400, 599, "an HTTP status"),
  slowerThan: positiveDuration,
} as const;

const accessLogs = z.strictObject({
  provider: provider.describe(
    "Extension provider that says where lines go and what they hold, such as gateway-json of docs/mesh-config.yaml.",
  ),
  samplePercent: accessLogShape.samplePercent
    .default(100)
    .describe("Share of requests that are logged, failed and slow ones aside. Unit: percent; default 100."),
  errorsFrom: accessLogShape.errorsFrom
    .default(500)
    .describe("Responses with this status or a higher one are always logged, and those that never ended. Default 500."),
  slowerThan: accessLogShape.slowerThan
    .optional()
    .describe("Requests that take longer are always logged. Default: no such rule."),
});

const traces = z.strictObject({
  provider: provider.describe("Extension provider that takes the spans, such as otel of docs/mesh-config.yaml."),
  samplePercent: wholeNumber(0, 100, "percent")
    .default(1)
    .describe("Share of requests that are traced. Unit: percent; default 1."),
});

/** What the gateway tells of its requests. */
export const telemetrySchema = z.strictObject({
  accessLogs: accessLogs.optional().describe("Access log of this gateway. Default: what the mesh does."),
  traces: traces.optional().describe("Spans of this gateway. Default: what the mesh does."),
});

/** What a service sets of it for itself. */
export const serviceTelemetrySchema = z.strictObject({
  accessLogs: z
    .strictObject({
      samplePercent: accessLogShape.samplePercent.optional().describe("Default: telemetry.accessLogs.samplePercent."),
      errorsFrom: accessLogShape.errorsFrom.optional().describe("Default: telemetry.accessLogs.errorsFrom."),
      slowerThan: accessLogShape.slowerThan.optional().describe("Default: telemetry.accessLogs.slowerThan."),
    })
    .refine((own) => Object.keys(own).length > 0, "at least one of samplePercent, errorsFrom, slowerThan")
    .optional()
    .describe("Which of the service's requests are logged."),
  traces: z
    .strictObject({
      samplePercent: wholeNumber(0, 100, "percent").describe("Share of requests that are traced. Unit: percent."),
    })
    .optional()
    .describe("Which of the service's requests are traced."),
});

export type TelemetryInput = z.output<typeof telemetrySchema>;
export type ServiceTelemetryInput = z.output<typeof serviceTelemetrySchema>;
export type AccessLogInput = NonNullable<TelemetryInput["accessLogs"]>;
