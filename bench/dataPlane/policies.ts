/** The stack whose service has every policy that can be combined. */
export const POLICIES = "policies";
export const NAMESPACE = "dataplane";
export const SERVICE = "web";
/** Its second version, with a share of the requests. */
export const CANARY = "web-next";
export const PORT = 8080;
export const ORIGIN = "https://app.policies.test";

/** Headers of the requests, so that the policies on origins and headers have something to read. */
export const REQUEST_HEADERS = [`Origin: ${ORIGIN}`, "X-Debug: 1"] as const;

/** What every service with policies has, one by one or a thousand of them. No request reaches its limit. */
export const POLICIES_OF_A_SERVICE = {
  rateLimit: { type: "local", requests: 1_000_000, per: "second" },
  limits: { maxRequestSize: "1Mi" },
  timeouts: { request: "15s", backendRequest: "4s" },
  retry: { attempts: 2, codes: [502, 503] },
  cors: { allowOrigins: [ORIGIN], allowMethods: ["PUT"], allowHeaders: ["x-token"], allowCredentials: true },
  requestHeaders: { set: { "x-gateway": POLICIES }, remove: ["x-debug"] },
  responseHeaders: { set: { "x-frame-options": "DENY" }, remove: ["x-powered-by"] },
  rewrite: { path: "/v1" },
  trafficPolicy: {
    connections: { maxConnections: 1000, maxPendingRequests: 1000, maxRequests: 1000 },
    outlierDetection: { consecutive5xxErrors: 5, interval: "10s", baseEjectionTime: "30s" },
  },
} as const;

/** Admits the client that sends the load, and refuses its neighbours. */
export const ACCESS = { allow: ["203.0.113.0/24"], deny: ["203.0.113.128/25"] } as const;

/**
 * Leaves out what calls another process per request, whose time would be measured instead: `externalAuthorization`, the
 * global rate limit, mirrors. And `jwt`: Envoy checks signatures itself, but at a higher cost than everything else together.
 */
export function policyValues(address: string): Record<string, unknown> {
  return {
    domain: `${POLICIES}.test`,
    gateway: {
      name: POLICIES,
      namespace: `${POLICIES}-system`,
      address,
      clientAddress: { trustedProxies: 0 },
      // One proxy, as the others have.
      infrastructure: { preset: "small" },
      hsts: { maxAge: "365d" },
    },
    telemetry: {
      accessLogs: { provider: "gateway-json" },
      traces: { provider: "otel", samplePercent: 1 },
      metrics: { scrape: "config-map" },
    },
    services: [
      {
        name: SERVICE,
        namespace: NAMESPACE,
        port: PORT,
        ...POLICIES_OF_A_SERVICE,
        access: ACCESS,
        limits: { ...POLICIES_OF_A_SERVICE.limits, streamIdleTimeout: "1h" },
        canary: { service: CANARY, percent: 10 },
        trafficPolicy: {
          ...POLICIES_OF_A_SERVICE.trafficPolicy,
          loadBalancing: { type: "CONSISTENT_HASH", key: { type: "source-address" } },
          retryBudget: { percent: 20, minRetryConcurrency: 3 },
        },
      },
    ],
  };
}
