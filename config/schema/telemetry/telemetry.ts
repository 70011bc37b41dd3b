import { z } from "zod";
import { durationBetween, extensionProvider, labels, percentage, positiveDuration } from "../fields";

const STATUS = "an HTTP status from 400 to 599";
const DECIMAL_SHARE = "a percentage from 90 to 99.999";

/** Which requests are logged: all that fail or are slow, and a share of the others. */
const accessLogShape = {
  samplePercent: percentage(0, 100),
  errorsFrom: z.number(STATUS).int(STATUS).min(400, STATUS).max(599, STATUS),
  slowerThan: positiveDuration,
} as const;

const accessLogs = z.strictObject({
  provider: extensionProvider.describe(
    "Extension provider that sets the format and the destination, such as gateway-json of docs/mesh-config.yaml.",
  ),
  samplePercent: accessLogShape.samplePercent
    .default(100)
    .describe("Share of the requests that are logged, besides failed and slow ones."),
  errorsFrom: accessLogShape.errorsFrom
    .default(500)
    .describe("Responses with this status or a higher one are always logged, and so are those that never ended."),
  slowerThan: accessLogShape.slowerThan
    .optional()
    .describe("Requests that take longer are always logged. Default: none."),
});

const traces = z.strictObject({
  provider: extensionProvider.describe(
    "Extension provider that receives the spans, such as otel of docs/mesh-config.yaml.",
  ),
  samplePercent: percentage(0, 100).default(1).describe("Share of the requests that are traced."),
});

/** What every object of the gateway is labelled with. */
const OWN_LABELS = ["app.kubernetes.io/part-of", "unified-gateway/gateway-namespace"];

/** Labels of an object, as the settings of an operator may ask for. */
const ownLabels = labels.refine(
  (map) => OWN_LABELS.every((label) => !Object.hasOwn(map, label)),
  `no ${OWN_LABELS.join(" or ")}, which are the gateway's own`,
);

const metrics = z.strictObject({
  scrape: z
    .enum(["prometheus-operator", "victoriametrics-operator", "config-map"], {
      error: "prometheus-operator, victoriametrics-operator or config-map",
    })
    .describe(
      "Who reads the metrics. It decides on the kinds of objects: PodMonitor and PrometheusRule, VMPodScrape and VMRule, or ConfigMaps with plain files.",
    ),
  interval: positiveDuration.prefault("30s").describe("Time between two scrapes."),
  labels: ownLabels
    .default({})
    .describe("Labels for the objects, for operators that select by label, such as { release: prometheus }."),
});

/** Objectives of a service, which alerts compare with. */
const objectiveShape = {
  availabilityPercent: z.number(DECIMAL_SHARE).min(90, DECIMAL_SHARE).max(99.999, DECIMAL_SHARE),
  latency: positiveDuration,
} as const;

const alerts = z.strictObject({
  availabilityPercent: objectiveShape.availabilityPercent
    .default(99.9)
    .describe("Share of the requests without a 5xx. An alert fires if the rest is used up 14.4 times too fast."),
  latency: objectiveShape.latency.prefault("1s").describe("Time within which 95 % of the requests should be answered."),
  certificateExpiresWithin: durationBetween("1d", "90d", "hours", "14d")
    .prefault("14d")
    .describe("An alert fires this long before the certificate expires."),
});

/** Access logs, traces, metrics and alerts of the gateway. */
export const telemetrySchema = z.strictObject({
  accessLogs: accessLogs.optional().describe("Access log of this gateway. Default: the mesh's settings."),
  traces: traces.optional().describe("Spans of this gateway. Default: the mesh's settings."),
  metrics: metrics.optional().describe("Envoy's counters by service, from port 15090. Default: none."),
  dashboard: z
    .boolean("true or false")
    .default(false)
    .describe("A Grafana dashboard in a ConfigMap with the label grafana_dashboard."),
  alerts: alerts.optional().describe("Alert rules for each service and for the gateway. Default: none."),
});

/** What a service or a path overrides of it for its requests. */
const ofRequests = {
  accessLogs: z
    .strictObject({
      samplePercent: accessLogShape.samplePercent.optional().describe("Default: telemetry.accessLogs.samplePercent."),
      errorsFrom: accessLogShape.errorsFrom.optional().describe("Default: telemetry.accessLogs.errorsFrom."),
      slowerThan: accessLogShape.slowerThan.optional().describe("Default: telemetry.accessLogs.slowerThan."),
    })
    .refine((own) => Object.keys(own).length > 0, "at least one of samplePercent, errorsFrom, slowerThan")
    .optional()
    .describe("Which of its requests are logged."),
  traces: z
    .strictObject({
      samplePercent: percentage(0, 100).describe("Share of the requests that are traced."),
    })
    .optional()
    .describe("Which of its requests are traced."),
};

/** The same for one service. */
export const serviceTelemetrySchema = z.strictObject({
  ...ofRequests,
  alerts: z
    .strictObject({
      availabilityPercent: objectiveShape.availabilityPercent
        .optional()
        .describe("Default: telemetry.alerts.availabilityPercent."),
      latency: objectiveShape.latency.optional().describe("Default: telemetry.alerts.latency."),
    })
    .refine((own) => Object.keys(own).length > 0, "at least one of availabilityPercent, latency")
    .optional()
    .describe("The service's objectives."),
});

/** The same for one path, whose service has the objectives. */
export const pathTelemetrySchema = z
  .strictObject(ofRequests)
  .refine((own) => Object.keys(own).length > 0, "at least one of accessLogs, traces");

export type TelemetryConfig = z.output<typeof telemetrySchema>;
export type ServiceTelemetry = z.output<typeof serviceTelemetrySchema>;
export type PathTelemetry = z.output<typeof pathTelemetrySchema>;
export type MetricsConfig = NonNullable<TelemetryConfig["metrics"]>;
export type AlertsConfig = NonNullable<TelemetryConfig["alerts"]>;
export type AccessLogConfig = NonNullable<TelemetryConfig["accessLogs"]>;
