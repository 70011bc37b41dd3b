import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { CIPHER_SUITES, GROUPS } from "../../config/schema/entry/tls";
import { COLLECTOR, COLLECTOR_PORT } from "../../lab/addresses";
import { REPOSITORY } from "../../lab/paths";
import { CANARY, ORIGIN, SERVICE } from "./policies";

const ADMIN_PORT = 15000;
const API = "type.googleapis.com/envoy";

/** Domain, certificate files and backend of an Envoy without a control plane. */
export interface StaticArgs {
  readonly domain: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly backend: { readonly address: string; readonly port: number };
}

/** Hand-written Envoy configuration for what the gateway does for the service in policies.ts. */
export function policiesBootstrap(args: StaticArgs): object {
  const { domain, backend } = args;
  const manager = {
    tracing: {
      random_sampling: { value: 1 },
      spawn_upstream_span: true,
      provider: {
        name: "envoy.tracers.opentelemetry",
        typed_config: {
          "@type": `${API}.config.trace.v3.OpenTelemetryConfig`,
          grpc_service: { envoy_grpc: { cluster_name: "collector" } },
          service_name: "static",
        },
      },
    },
    access_log: [
      {
        name: "envoy.access_loggers.file",
        typed_config: {
          "@type": `${API}.extensions.access_loggers.file.v3.FileAccessLog`,
          path: "/dev/stdout",
          log_format: {
            json_format: documentedLogFormat(),
            formatters: [
              {
                name: "envoy.formatter.req_without_query",
                typed_config: { "@type": `${API}.extensions.formatter.req_without_query.v3.ReqWithoutQuery` },
              },
            ],
          },
        },
      },
    ],
    http_filters: [
      httpFilter("cors", "Cors", {}),
      httpFilter("rbac", "RBAC", {}),
      httpFilter("local_ratelimit", "LocalRateLimit", { stat_prefix: "local_rate_limit" }),
      { ...httpFilter("buffer", "Buffer", { max_request_bytes: 1 }), disabled: true },
      httpFilter("router", "Router", { suppress_envoy_headers: true }),
    ],
    route_config: { name: "static", virtual_hosts: [virtualHost(domain)] },
  };
  const policies = {
    lb_policy: "RING_HASH",
    circuit_breakers: {
      thresholds: [
        {
          max_connections: 1000,
          max_pending_requests: 1000,
          max_requests: 1000,
          retry_budget: { budget_percent: { value: 20 }, min_retry_concurrency: 3 },
        },
      ],
    },
    outlier_detection: { consecutive_5xx: 5, interval: "10s", base_ejection_time: "30s", enforcing_success_rate: 0 },
  };
  const collector = {
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${API}.extensions.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
  return bootstrap(args, manager, [
    cluster(SERVICE, backend, policies),
    cluster(CANARY, backend, policies),
    cluster("collector", { address: COLLECTOR, port: COLLECTOR_PORT }, collector),
  ]);
}

/** The format that docs/mesh-config.yaml gives users. */
function documentedLogFormat(): object {
  interface Documented {
    extensionProviders: { name: string; envoyFileAccessLog?: { logFormat: { labels?: object } } }[];
  }
  const file = readFileSync(join(REPOSITORY, "docs", "mesh-config.yaml"), "utf8");
  const { extensionProviders } = parse(file) as Documented;
  const provider = extensionProviders.find(({ name }) => name === "gateway-json");
  return provider?.envoyFileAccessLog?.logFormat.labels ?? {};
}

function virtualHost(domain: string): object {
  const always = { default_value: { numerator: 100, denominator: "HUNDRED" } };
  const set = (key: string, value: string) => ({
    header: { key, value },
    append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
  });
  const clients = (address_prefix: string, prefix_len: number) => ({ remote_ip: { address_prefix, prefix_len } });
  const policy = {
    permissions: [{ any: true }],
    principals: [{ and_ids: { ids: [clients("203.0.113.0", 24), { not_id: clients("203.0.113.128", 25) }] } }],
  };
  const bucket = { max_tokens: 1_000_000, tokens_per_fill: 1_000_000, fill_interval: "1s" };
  return {
    name: SERVICE,
    domains: [`${SERVICE}.${domain}`],
    include_request_attempt_count: true,
    routes: [
      {
        name: SERVICE,
        stat_prefix: SERVICE,
        match: { prefix: "/" },
        route: {
          weighted_clusters: {
            clusters: [
              { name: SERVICE, weight: 90 },
              { name: CANARY, weight: 10 },
            ],
          },
          regex_rewrite: { pattern: { regex: "^/[^?]*" }, substitution: "/v1" },
          timeout: "15s",
          idle_timeout: "3600s",
          retry_policy: {
            retry_on: "connect-failure,refused-stream,unavailable,cancelled,reset,retriable-status-codes",
            num_retries: 2,
            per_try_timeout: "4s",
            retriable_status_codes: [502, 503],
          },
          hash_policy: [{ connection_properties: { source_ip: true } }],
        },
        request_headers_to_add: [set("x-gateway", "policies")],
        request_headers_to_remove: ["x-debug"],
        response_headers_to_add: [set("strict-transport-security", "max-age=31536000"), set("x-frame-options", "DENY")],
        response_headers_to_remove: ["x-powered-by", "server"],
        typed_per_filter_config: {
          "envoy.filters.http.rbac": {
            "@type": `${API}.extensions.filters.http.rbac.v3.RBACPerRoute`,
            rbac: { rules: { action: "ALLOW", policies: { clients: policy } } },
          },
          "envoy.filters.http.local_ratelimit": {
            "@type": `${API}.extensions.filters.http.local_ratelimit.v3.LocalRateLimit`,
            stat_prefix: SERVICE,
            token_bucket: bucket,
            filter_enabled: always,
            filter_enforced: always,
            enable_x_ratelimit_headers: "DRAFT_VERSION_03",
          },
          "envoy.filters.http.cors": {
            "@type": `${API}.extensions.filters.http.cors.v3.CorsPolicy`,
            allow_origin_string_match: [{ exact: ORIGIN }],
            allow_methods: "PUT",
            allow_headers: "x-token",
            max_age: "5",
            allow_credentials: true,
          },
          "envoy.filters.http.buffer": {
            "@type": `${API}.extensions.filters.http.buffer.v3.BufferPerRoute`,
            buffer: { max_request_bytes: 1_048_576 },
          },
        },
      },
    ],
  };
}

/** The same for services that each have a timeout, a rate limit and outlier ejection, as in stacks.ts. */
export function limitedBootstrap(args: StaticArgs, services: readonly string[]): object {
  const always = { default_value: { numerator: 100, denominator: "HUNDRED" } };
  const rateLimit = (stat_prefix: string) => ({
    "@type": `${API}.extensions.filters.http.local_ratelimit.v3.LocalRateLimit`,
    stat_prefix,
    token_bucket: { max_tokens: 100, tokens_per_fill: 100, fill_interval: "1s" },
    filter_enabled: always,
    filter_enforced: always,
    enable_x_ratelimit_headers: "DRAFT_VERSION_03",
  });
  const manager = {
    http_filters: [
      httpFilter("local_ratelimit", "LocalRateLimit", { stat_prefix: "local_rate_limit" }),
      httpFilter("router", "Router", { suppress_envoy_headers: true }),
    ],
    route_config: {
      name: "static",
      virtual_hosts: services.map((name) => ({
        name,
        domains: [`${name}.${args.domain}`],
        routes: [
          {
            name,
            match: { prefix: "/" },
            route: { cluster: name, timeout: "3s" },
            typed_per_filter_config: { "envoy.filters.http.local_ratelimit": rateLimit(name) },
          },
        ],
      })),
    },
  };
  const outlier_detection = { consecutive_5xx: 5, interval: "10s", base_ejection_time: "30s" };
  const clusters = services.map((name) => cluster(name, args.backend, { outlier_detection }));
  return bootstrap(args, manager, clusters);
}

function httpFilter(name: string, type: string, config: object): object {
  const typed_config = { "@type": `${API}.extensions.filters.http.${name}.v3.${type}`, ...config };
  return { name: `envoy.filters.http.${name}`, typed_config };
}

export function cluster(name: string, { address, port }: StaticArgs["backend"], more: object = {}): object {
  const endpoint = { address: socketAddress(address, port) };
  return {
    name,
    type: "STATIC",
    connect_timeout: "10s",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
    ...more,
  };
}

const socketAddress = (address: string, port_value: number) => ({ socket_address: { address, port_value } });

/** One https listener with the gateway's protocols, ciphers, groups and limits; the caller adds the rest. */
export function bootstrap(
  { domain, certificateFile, keyFile }: StaticArgs,
  manager: object,
  clusters: readonly object[],
): object {
  const connectionManager = {
    "@type": `${API}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "https",
    use_remote_address: true,
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: "UNESCAPE_AND_REDIRECT",
    server_header_transformation: "PASS_THROUGH",
    internal_address_config: { cidr_ranges: [{ address_prefix: "0.0.0.0", prefix_len: 32 }] },
    common_http_protocol_options: {
      idle_timeout: "3600s",
      max_headers_count: 100,
      headers_with_underscores_action: "REJECT_REQUEST",
    },
    http2_protocol_options: {
      max_concurrent_streams: 100,
      initial_stream_window_size: 65_536,
      initial_connection_window_size: 1_048_576,
    },
    stream_idle_timeout: "300s",
    request_timeout: "300s",
    request_headers_timeout: "60s",
    upgrade_configs: [{ upgrade_type: "websocket" }],
    ...manager,
  };
  const connectionLimit = {
    "@type": `${API}.extensions.filters.network.connection_limit.v3.ConnectionLimit`,
    stat_prefix: "connection_limit",
    max_connections: 10_000,
  };
  const listener = {
    name: "https",
    address: socketAddress("0.0.0.0", 443),
    per_connection_buffer_limit_bytes: 32_768,
    listener_filters: [
      {
        name: "envoy.filters.listener.tls_inspector",
        typed_config: { "@type": `${API}.extensions.filters.listener.tls_inspector.v3.TlsInspector` },
      },
    ],
    filter_chains: [
      {
        filter_chain_match: { server_names: [`*.${domain}`] },
        filters: [
          { name: "envoy.filters.network.connection_limit", typed_config: connectionLimit },
          { name: "envoy.filters.network.http_connection_manager", typed_config: connectionManager },
        ],
        transport_socket_connect_timeout: "15s",
        transport_socket: tls(certificateFile, keyFile),
      },
    ],
  };
  return { admin: admin(ADMIN_PORT), static_resources: { listeners: [listener], clusters } };
}

const admin = (port: number) => ({ address: socketAddress("127.0.0.1", port) });

/** TLS with the ciphers and groups that the program sets on its listener. */
function tls(certificateFile: string, keyFile: string): object {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": `${API}.extensions.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: {
        tls_params: {
          cipher_suites: CIPHER_SUITES,
          ecdh_curves: GROUPS,
        },
        alpn_protocols: ["h2", "http/1.1"],
        tls_certificates: [{ certificate_chain: { filename: certificateFile }, private_key: { filename: keyFile } }],
      },
    },
  };
}

/** Answers every request immediately with a small body, so that only the proxy in front of it is measured. */
export function backendBootstrap({ address, port }: StaticArgs["backend"]): object {
  const answer = { status: 200, body: { inline_string: "ok\n" } };
  const connectionManager = {
    "@type": `${API}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "backend",
    http_filters: [httpFilter("router", "Router", {})],
    route_config: {
      virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, direct_response: answer }] }],
    },
  };
  const filters = [{ name: "envoy.filters.network.http_connection_manager", typed_config: connectionManager }];
  const listener = { name: "backend", address: socketAddress(address, port), filter_chains: [{ filters }] };
  return { static_resources: { listeners: [listener] } };
}
