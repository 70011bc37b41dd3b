import { z } from "zod";
import { duration, wholeNumber } from "./fields";

/** Above 0: Envoy reads 0 as no limit, and Istio refuses some of them. */
const some = (unit: string) => wholeNumber(1, 1_000_000, unit).optional();

const positiveDuration = duration.refine(
  (value) => !/^(0+(h|m|s|ms))+$/.test(value),
  "a duration above 0, such as 10s",
);

const connections = z.strictObject({
  maxConnections: some("connections").describe(
    "Connections to the backend at most. Default: Envoy's, no practical limit.",
  ),
  connectTimeout: positiveDuration.optional().describe("Longest time to connect. Default: Istio's, 10s."),
  maxPendingRequests: some("requests").describe("Requests that may wait for a connection; more get 503."),
  maxRequests: some("requests").describe("Requests at once; more get 503."),
  maxRequestsPerConnection: some("requests").describe(
    "Requests after which a connection is closed. 1 turns keep-alive off.",
  ),
  maxRetries: some("retries").describe("Retries at once."),
});

const outlierDetection = z.strictObject({
  consecutive5xxErrors: wholeNumber(1, 1000, "errors")
    .default(5)
    .describe("5xx in a row after which an endpoint is ejected. Default 5."),
  interval: positiveDuration.default("10s").describe("Time between two looks at the endpoints. Default 10s."),
  baseEjectionTime: positiveDuration
    .default("30s")
    .describe("Shortest time of an ejection, times how often it happened. Default 30s."),
  maxEjectionPercent: wholeNumber(1, 100, "percent")
    .default(10)
    .describe("Share of endpoints that may be ejected at once. At least one always may. Default 10."),
});

const loadBalancing = z.strictObject({
  policy: z
    .enum(["LEAST_REQUEST", "ROUND_ROBIN", "RANDOM"], "LEAST_REQUEST, ROUND_ROBIN or RANDOM")
    .default("LEAST_REQUEST")
    .describe("How an endpoint is chosen. Default LEAST_REQUEST."),
  warmup: positiveDuration
    .optional()
    .describe("Slow start: time in which a new endpoint's share grows. Default: none."),
});

const tls = z.strictObject({
  mode: z
    .enum(["DISABLE", "ISTIO_MUTUAL"], "DISABLE or ISTIO_MUTUAL")
    .describe(
      "ISTIO_MUTUAL: mutual TLS or no connection at all. DISABLE: plain text, for ports that their sidecar leaves alone, or where a rule for the whole mesh demands TLS of backends without a sidecar.",
    ),
});

/** How the gateway treats the backends of a service: one DestinationRule each. */
export const trafficPolicySchema = z
  .strictObject({
    connections: connections.optional().describe("Connection pool and circuit breaker."),
    outlierDetection: outlierDetection.optional().describe("Ejection of endpoints that fail."),
    loadBalancing: loadBalancing.optional().describe("Choice of an endpoint."),
    tls: tls
      .optional()
      .describe("TLS to the backend. Default: mutual TLS where an endpoint has a sidecar, else plain text."),
  })
  .refine(
    ({ loadBalancing: lb }) => lb?.warmup === undefined || lb.policy !== "RANDOM",
    "no warmup with RANDOM: Envoy has slow start for LEAST_REQUEST and ROUND_ROBIN",
  );

export type TrafficPolicyInput = z.output<typeof trafficPolicySchema>;
