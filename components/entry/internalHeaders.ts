import { headerMutation, removeHeaders } from "../shared/headerMutation";

/**
 * Headers that Envoy's edge handling does not remove, or that older versions do not remove for clients on private networks: they
 * steer the router, or backends and sidecars trust them. Headers that the connection manager sets for the backend, such as
 * x-envoy-external-address and x-envoy-decorator-operation, are not listed: it strips the client's own first.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/header_sanitizing
 */
const FROM_CLIENTS = [
  "x-envoy-attempt-count",
  "x-envoy-expected-rq-timeout-ms",
  "x-envoy-hedge-on-per-try-timeout",
  "x-envoy-ip-tags",
  "x-envoy-is-timeout-retry",
  "x-envoy-max-retries",
  "x-envoy-original-host",
  "x-envoy-original-method",
  "x-envoy-original-path",
  "x-envoy-original-url",
  "x-envoy-peer-metadata",
  "x-envoy-peer-metadata-id",
  "x-envoy-retriable-header-names",
  "x-envoy-retriable-status-codes",
  "x-envoy-retry-grpc-on",
  "x-envoy-retry-on",
  "x-envoy-upstream-alt-stat-name",
  "x-envoy-upstream-rq-per-try-timeout-ms",
  "x-envoy-upstream-rq-timeout-alt-response",
  "x-envoy-upstream-rq-timeout-ms",
  "x-envoy-upstream-stream-duration-ms",
] as const;

/**
 * Response headers that reveal internals. Not x-envoy-overloaded and x-envoy-ratelimited, which tell clients why they were
 * refused.
 */
export const INTERNAL_RESPONSE_HEADERS = [
  "x-envoy-attempt-count",
  "x-envoy-cluster",
  "x-envoy-decorator-operation",
  "x-envoy-degraded",
  "x-envoy-hostname",
  "x-envoy-immediate-health-check-fail",
  "x-envoy-is-timeout-retry",
  "x-envoy-original-path",
  "x-envoy-peer-metadata",
  "x-envoy-peer-metadata-id",
  "x-envoy-upstream-canary",
  "x-envoy-upstream-healthchecked-cluster",
  "x-envoy-upstream-service-time",
] as const;

export interface InternalHeadersArgs {
  /** Remove Envoy's headers, in both directions. */
  removeInternalHeaders: boolean;
  /** Remove backends' `server` header; the connection manager omits Envoy's own. */
  removeServerHeader: boolean;
}

/** An HTTP filter that removes them; undefined if there are none to remove. */
export function internalHeadersFilter(args: InternalHeadersArgs): Record<string, unknown> | undefined {
  const request = args.removeInternalHeaders ? FROM_CLIENTS : [];
  const response = [
    ...(args.removeInternalHeaders ? INTERNAL_RESPONSE_HEADERS : []),
    ...(args.removeServerHeader ? ["server"] : []),
  ];
  if (response.length === 0) {
    return undefined;
  }
  return {
    name: "envoy.filters.http.header_mutation",
    typed_config: headerMutation(removeHeaders(request), removeHeaders(response)),
  };
}
