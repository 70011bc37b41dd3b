import { z } from "zod";
import { orOff, percentage, positiveDuration, wholeNumber } from "../fields";
import { loadBalancingSchema } from "./loadBalancing";
import { backendTlsSchema } from "./tls";

/** Above 0: Envoy reads 0 as no limit, and Istio refuses some of them. */
const some = (unit: string) => wholeNumber(1, 1_000_000, unit).optional();

const connections = z.strictObject({
  maxConnections: some("connections").describe(
    "Most connections to the backend. Default: Envoy's, no practical limit.",
  ),
  connectTimeout: positiveDuration.optional().describe("Time to connect. Default: Istio's, 10s."),
  maxPendingRequests: some("requests").describe("Most requests that wait for a connection; more get 503."),
  maxRequests: some("requests").describe("Most requests at once; more get 503."),
  maxRequestsPerConnection: some("requests").describe(
    "Requests after which a connection is closed. 1 turns keep-alive off.",
  ),
  maxRetries: some("retries").describe("Most retries at once."),
});

const outlierDetection = z.strictObject({
  consecutive5xxErrors: wholeNumber(1, 1000, "errors")
    .default(5)
    .describe("5xx in a row after which an endpoint is ejected."),
  interval: positiveDuration.prefault("10s").describe("Time between two checks of the endpoints."),
  baseEjectionTime: positiveDuration
    .prefault("30s")
    .describe("Length of the first ejection; it grows with each further one."),
  maxEjectionPercent: percentage(1, 100)
    .default(10)
    .describe("Share of the endpoints that may be ejected at once; at least one always may."),
});

const retryBudget = z.strictObject({
  percent: percentage(1, 100).default(20).describe("Most retries at once, as a share of the requests at once."),
  minRetryConcurrency: wholeNumber(1, 1_000_000, "retries")
    .default(3)
    .describe("Retries at once that are always allowed, however few requests there are."),
});

/** What a policy is made of. */
const parts = {
  connections: connections.describe("Connection pool and circuit breaker."),
  outlierDetection: outlierDetection.describe("Ejection of endpoints that fail."),
  tls: backendTlsSchema.describe(
    "TLS to the backend. Default: mutual TLS of the mesh if an endpoint has a sidecar, else plain text.",
  ),
  loadBalancing: loadBalancingSchema.describe("How an endpoint is chosen."),
  retryBudget: retryBudget.describe("Limit on retries, so that they do not pile up on a failing backend."),
} as const;

type Parts = { readonly [K in keyof typeof parts]?: z.output<(typeof parts)[K]> | false };

const isOneBound = ({ connections: pool, retryBudget: budget }: Parts) =>
  !budget || !pool || pool.maxRetries === undefined;
const ONE_BOUND = "either connections.maxRetries or retryBudget: Envoy ignores maxRetries if there is a budget";

/** How the gateway treats the backends of a service: one DestinationRule each. */
export const trafficPolicySchema = z
  .strictObject({
    connections: parts.connections.optional(),
    outlierDetection: parts.outlierDetection.optional(),
    tls: parts.tls.optional(),
    loadBalancing: parts.loadBalancing.optional(),
    retryBudget: parts.retryBudget.optional(),
  })
  .refine(isOneBound, ONE_BOUND);

/** The same for one service, which turns off by `false` what it would inherit from the defaults. */
export const serviceTrafficPolicySchema = z
  .strictObject({
    connections: orOff(parts.connections).optional(),
    outlierDetection: orOff(parts.outlierDetection).optional(),
    tls: orOff(parts.tls).optional(),
    loadBalancing: orOff(parts.loadBalancing).optional(),
    retryBudget: orOff(parts.retryBudget).optional(),
  })
  .refine(isOneBound, ONE_BOUND);

export type TrafficPolicy = z.output<typeof trafficPolicySchema>;
