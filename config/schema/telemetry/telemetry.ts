import { z } from "zod";
import { positiveDuration, wholeNumber } from "../fields";

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

/** What every object of the gateway is labelled with. */
const PART_OF = "app.kubernetes.io/part-of";

/** A label of an object, as the operator's own settings may ask for. */
const labels = z
  .record(
    z.string().regex(/^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/, "a label's name"),
    z
      .string("a label's value")
      .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/, "a label's value of at most 63 characters"),
    "a map of label names to values",
  )
  .refine((map) => !Object.hasOwn(map, PART_OF), `no ${PART_OF}, which is the gateway's own`);

const metrics = z.strictObject({
  scrape: z
    .enum(["prometheus-operator", "victoriametrics-operator", "config-map"], {
      error: "prometheus-operator, victoriametrics-operator or config-map",
    })
    .describe(
      "Who reads the metrics, and so the kinds of objects: PodMonitor and PrometheusRule, VMPodScrape and VMRule, or ConfigMaps with plain files.",
    ),
  interval: positiveDuration.default("30s").describe("Time between two readings. Default 30s."),
  labels: labels
    .default({})
    .describe("Labels for the objects, where the operator selects by some, such as { release: prometheus }."),
});

/** What a service promises; alerts compare with it. */
const objectiveShape = {
  availabilityPercent: z
    .number("a percentage from 90 to 99.999")
    .min(90, "a percentage from 90 to 99.999")
    .max(99.999, "a percentage from 90 to 99.999"),
  latency: positiveDuration,
} as const;

const alerts = z.strictObject({
  availabilityPercent: objectiveShape.availabilityPercent
    .default(99.9)
    .describe(
      "Share of requests without a 5xx. An alert fires where the rest is used up 14.4 times too fast. Default 99.9.",
    ),
  latency: objectiveShape.latency.default("1s").describe("95 of 100 requests are to be faster. Default 1s."),
  certificateDays: wholeNumber(1, 90, "days")
    .default(14)
    .describe("An alert fires this long before the certificate ends. Unit: days; default 14."),
});

/** What the gateway tells of its requests. */
export const telemetrySchema = z.strictObject({
  accessLogs: accessLogs.optional().describe("Access log of this gateway. Default: what the mesh does."),
  traces: traces.optional().describe("Spans of this gateway. Default: what the mesh does."),
  metrics: metrics.optional().describe("Envoy's counters by service, read at port 15090. Default: none."),
  dashboard: z
    .boolean("true or false")
    .default(false)
    .describe("A Grafana dashboard in a ConfigMap with the label grafana_dashboard. Default false."),
  alerts: alerts.optional().describe("Alert rules for each service and for the gateway. Default: none."),
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
  alerts: z
    .strictObject({
      availabilityPercent: objectiveShape.availabilityPercent
        .optional()
        .describe("Default: telemetry.alerts.availabilityPercent."),
      latency: objectiveShape.latency.optional().describe("Default: telemetry.alerts.latency."),
    })
    .refine((own) => Object.keys(own).length > 0, "at least one of availabilityPercent, latency")
    .optional()
    .describe("What the service promises."),
});

export type TelemetryConfig = z.output<typeof telemetrySchema>;
export type ServiceTelemetry = z.output<typeof serviceTelemetrySchema>;
export type MetricsConfig = NonNullable<TelemetryConfig["metrics"]>;
export type AlertsConfig = NonNullable<TelemetryConfig["alerts"]>;
export type AccessLogConfig = NonNullable<TelemetryConfig["accessLogs"]>;
