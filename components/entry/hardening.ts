import type { Hardening } from "../../config/schema/entry/hardening";
import { milliseconds, protoDuration } from "../../config/values/duration";
import { bytes } from "../../config/values/quantity";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { HTTP_PORT } from "../../config/resolve/protocols";
import { internalHeadersFilter } from "./internalHeaders";

/**
 * Limits for untrusted clients, on every port that speaks HTTP.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/best_practices/edge
 * @param ports Where services are served. The redirect's, which is always there, may be among them.
 */
export function hardeningPatches(hardening: Hardening, ports: readonly number[]): ConfigPatch[] {
  return [...new Set([HTTP_PORT, ...ports])].flatMap((port) => listenerPatches(port, hardening));
}

const MANAGER = "envoy.filters.network.http_connection_manager";
/** Envoy's `kb`. */
const KIBIBYTE = bytes("1Ki");
const CONNECTION_LIMIT = "envoy.filters.network.connection_limit";

/** Patches for the listener, its filter chains, their network filters, and the connection manager's filters. */
function listenerPatches(portNumber: number, hardening: Hardening): ConfigPatch[] {
  const listener = { context: "GATEWAY", listener: { portNumber } } as const;
  const manager = {
    context: "GATEWAY",
    listener: { portNumber, filterChain: { filter: { name: MANAGER } } },
  } as const;
  const merge = (applyTo: ConfigPatch["applyTo"], match: ConfigPatch["match"], value: Record<string, unknown>) =>
    ({ applyTo, match, patch: { operation: "MERGE", value } }) satisfies ConfigPatch;
  const patches: ConfigPatch[] = [
    merge("LISTENER", listener, { per_connection_buffer_limit_bytes: bytes(hardening.perConnectionBufferLimit) }),
    merge("NETWORK_FILTER", manager, { name: MANAGER, typed_config: connectionManager(hardening) }),
  ];
  if (portNumber !== HTTP_PORT) {
    const transport_socket_connect_timeout = protoDuration(hardening.transportSocketConnectTimeout);
    patches.push(merge("FILTER_CHAIN", listener, { transport_socket_connect_timeout }));
  }
  if (hardening.maxConnections > 0) {
    const value = { name: CONNECTION_LIMIT, typed_config: connectionLimit(hardening.maxConnections) };
    patches.push({ applyTo: "NETWORK_FILTER", match: manager, patch: { operation: "INSERT_BEFORE", value } });
  }
  const headers = internalHeadersFilter(hardening);
  if (headers !== undefined) {
    patches.push({ applyTo: "HTTP_FILTER", match: manager, patch: { operation: "INSERT_FIRST", value: headers } });
  }
  return patches;
}

/**
 * Only what a merge can set: it can neither empty a list nor change true to false. Istio itself sets `use_remote_address` and
 * removes x-forwarded-client-cert on gateways.
 * https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto
 */
function connectionManager(hardening: Hardening): Record<string, unknown> {
  // At 0, Envoy would close every connection at once.
  const maxConnectionDuration = hardening.maxConnectionDuration ?? "0s";
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    common_http_protocol_options: {
      idle_timeout: protoDuration(hardening.idleTimeout),
      max_connection_duration:
        milliseconds(maxConnectionDuration) > 0 ? protoDuration(maxConnectionDuration) : undefined,
      max_headers_count: hardening.maxHeadersCount,
      headers_with_underscores_action: hardening.headersWithUnderscoresAction,
    },
    http2_protocol_options: {
      max_concurrent_streams: hardening.maxConcurrentStreams,
      initial_stream_window_size: bytes(hardening.initialStreamWindowSize),
      initial_connection_window_size: bytes(hardening.initialConnectionWindowSize),
    },
    max_request_headers_kb: bytes(hardening.maxRequestHeadersSize) / KIBIBYTE,
    request_headers_timeout: protoDuration(hardening.requestHeadersTimeout),
    request_timeout: protoDuration(hardening.requestTimeout),
    stream_idle_timeout: protoDuration(hardening.streamIdleTimeout),
    normalize_path: true,
    merge_slashes: hardening.mergeSlashes,
    path_with_escaped_slashes_action: hardening.pathWithEscapedSlashesAction,
    server_header_transformation: hardening.removeServerHeader ? "PASS_THROUGH" : "OVERWRITE",
    // No client is internal. An empty list would mean every private network, so this is an address that nobody has.
    internal_address_config: hardening.removeInternalHeaders
      ? { cidr_ranges: [{ address_prefix: "0.0.0.0", prefix_len: 32 }] }
      : undefined,
  };
}

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/listeners/network_filters/connection_limit_filter */
function connectionLimit(maxConnections: number): Record<string, unknown> {
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
    stat_prefix: "connection_limit",
    max_connections: maxConnections,
  };
}
