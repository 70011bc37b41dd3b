import { z } from "zod";
import { positiveDuration, wholeNumber } from "../fields";
import { loadBalancingSchema } from "./loadBalancing";

/** Above 0: Envoy reads 0 as no limit, and Istio refuses some of them. */
const some = (unit: string) => wholeNumber(1, 1_000_000, unit).optional();

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

const retryBudget = z.strictObject({
  percent: wholeNumber(1, 100, "percent")
    .default(20)
    .describe("Retries at once, as a share of the requests at once. Unit: percent, 1 to 100; default 20."),
  minRetryConcurrency: wholeNumber(1, 1_000_000, "retries")
    .default(3)
    .describe("Retries at once that are allowed however few requests there are. Default 3."),
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
    tls: tls
      .optional()
      .describe("TLS to the backend. Default: mutual TLS where an endpoint has a sidecar, else plain text."),
    loadBalancing: loadBalancingSchema.optional().describe("Choice of an endpoint."),
    retryBudget: retryBudget.optional().describe("Bound on retries, so that they do not pile up on a failing backend."),
  })
  .refine(
    ({ connections: pool, retryBudget: budget }) => budget === undefined || pool?.maxRetries === undefined,
    "either connections.maxRetries or retryBudget: Envoy reads no maxRetries beside a budget",
  );

export type TrafficPolicy = z.output<typeof trafficPolicySchema>;
