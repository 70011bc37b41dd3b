import {
  BackendPolicy,
  clusterProvider,
  envoyFilters,
  gatewayConfig,
  GatewayEnvoyFilter,
  GatewayMetrics,
  GatewayTelemetry,
  httpFilterNames,
  RateLimitService,
  Routes,
  type Service,
  StrictMtls,
  VersionServices,
} from "istio-unified-gateway";

// The Gateway was made without this package: no two programs can write to one, for the objects beside it are named after it.
// It has a listener called https, and lets routes of the namespace shop attach.
const config = gatewayConfig({
  domain: "example.com",
  gateway: { name: "platform-gateway", namespace: "platform" },
  services: [
    {
      name: "shop",
      namespace: "shop",
      port: 8080,
      canary: { percent: 10, versions: { selector: { app: "shop" } } },
      rateLimit: { type: "global", requests: 1000, per: "minute" },
      trafficPolicy: { connections: { maxRequests: 500 } },
    },
  ],
  mtls: { strictNamespaces: ["shop"] },
  telemetry: {
    accessLogs: { provider: "envoy", samplePercent: 10 },
    metrics: { scrape: "prometheus-operator" },
    alerts: { availabilityPercent: 99.5 },
    dashboard: true,
  },
});
const { gateway, services, telemetry, mtls, rateLimitService } = config;
const opts = { provider: clusterProvider("cluster", config.kubernetes) };

// Each part reads its own keys of the config; mtls and rateLimitService are there because the config above asks for them.
const counting = new RateLimitService("shop-counting", { config: rateLimitService!, services, gateway }, opts);
const backends = new BackendPolicy("shop-backends", { services, gateway }, opts);
const guards = [
  ...envoyFilters("shop", "routes", config, { ...opts, dependsOn: counting }),
  new StrictMtls("shop-mtls", { config: mtls!, gateway }, opts),
];
const versions = new VersionServices("shop-versions", { services, gateway }, opts);
const guardsOf = (service: Service) => backends.policiesOf(service);
new Routes("shop", { services, gateway, guards, guardsOf }, { ...opts, dependsOn: versions });

new GatewayTelemetry("shop-telemetry", { services, gateway, telemetry }, opts);
const httpFilters = httpFilterNames(config);
new GatewayMetrics("shop-metrics", { services, gateway, telemetry, rateLimitService, httpFilters }, opts);

// A patch of your own, for what the config has no key for. Istio applies it after those above, whose priorities are lower.
new GatewayEnvoyFilter(
  "shop-server-name",
  {
    feature: "server-name",
    gateway,
    priority: 1000,
    patches: [
      {
        applyTo: "NETWORK_FILTER",
        match: {
          context: "GATEWAY",
          listener: {
            portNumber: 443,
            filterChain: { filter: { name: "envoy.filters.network.http_connection_manager" } },
          },
        },
        patch: {
          operation: "MERGE",
          value: {
            typed_config: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              server_name: "example",
            },
          },
        },
      },
    ],
  },
  opts,
);
