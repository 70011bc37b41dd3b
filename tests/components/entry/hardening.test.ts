import assert from "node:assert/strict";
import { hardeningPatches } from "../../../components/entry/hardening";
import { limitsPatches } from "../../../components/limits/limits";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { register } from "../../support/deployment";
import { filterMap } from "../../support/filterMap";
import { refuses as refusesConfig, mistakes, plain, stack } from "../../support/stacks";

const hardening = (given: Record<string, unknown> = {}) => {
  const result = stack({ gateway: { hardening: given } }).gateway.hardening;
  assert.ok(result !== false);
  return result;
};
const patches = (given: Record<string, unknown> = {}) => hardeningPatches(hardening(given), [443]);
const MANAGER = "envoy.filters.network.http_connection_manager";

/** The values of patches of one kind and operation. */
function values(given: Record<string, unknown>, applyTo: string, operation = "MERGE"): unknown[] {
  const found = patches(given).filter((patch) => patch.applyTo === applyTo && patch.patch.operation === operation);
  return plain(found.map(({ patch }) => patch.value)) as unknown[];
}

describe("components/hardening", () => {
  it("patches both listeners", () => {
    assert.deepEqual(
      patches().map(({ applyTo, match, patch }) => [match.listener?.portNumber, applyTo, patch.operation]),
      [
        [80, "LISTENER", "MERGE"],
        [80, "NETWORK_FILTER", "MERGE"],
        [80, "NETWORK_FILTER", "INSERT_BEFORE"],
        [80, "HTTP_FILTER", "INSERT_FIRST"],
        [443, "LISTENER", "MERGE"],
        [443, "NETWORK_FILTER", "MERGE"],
        [443, "FILTER_CHAIN", "MERGE"],
        [443, "NETWORK_FILTER", "INSERT_BEFORE"],
        [443, "HTTP_FILTER", "INSERT_FIRST"],
      ],
    );
  });

  it("sets the connection manager to the values of Envoy's guide", () => {
    const manager = {
      name: MANAGER,
      typed_config: {
        "@type":
          "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
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
        max_request_headers_kb: 60,
        request_headers_timeout: "60s",
        request_timeout: "0s",
        stream_idle_timeout: "300s",
        normalize_path: true,
        merge_slashes: true,
        path_with_escaped_slashes_action: "UNESCAPE_AND_REDIRECT",
        server_header_transformation: "PASS_THROUGH",
        internal_address_config: { cidr_ranges: [{ address_prefix: "0.0.0.0", prefix_len: 32 }] },
      },
    };
    assert.deepEqual(values({}, "NETWORK_FILTER"), [manager, manager]);
    const buffers = { per_connection_buffer_limit_bytes: 32_768 };
    assert.deepEqual(values({}, "LISTENER"), [buffers, buffers]);
    assert.deepEqual(values({}, "FILTER_CHAIN"), [{ transport_socket_connect_timeout: "15s" }]);
  });

  it("follows the config, in Envoy's units", () => {
    const [manager] = values(
      {
        idleTimeout: "0s",
        maxConnectionDuration: "1h30m",
        requestHeadersTimeout: "500ms",
        headersWithUnderscoresAction: "ALLOW",
        pathWithEscapedSlashesAction: "KEEP_UNCHANGED",
        mergeSlashes: false,
      },
      "NETWORK_FILTER",
    ) as { typed_config: Record<string, unknown> }[];
    const { common_http_protocol_options, ...rest } = manager?.typed_config ?? {};
    assert.deepEqual(common_http_protocol_options, {
      idle_timeout: "0s",
      max_connection_duration: "5400s",
      max_headers_count: 100,
      headers_with_underscores_action: "ALLOW",
    });
    assert.equal(rest.request_headers_timeout, "0.5s");
    assert.equal(rest.path_with_escaped_slashes_action, "KEEP_UNCHANGED");
    assert.equal(rest.merge_slashes, false);
  });

  it("closes no connection for its age if the maximum is 0", () => {
    const [manager] = values({ maxConnectionDuration: "0s" }, "NETWORK_FILTER") as {
      typed_config: { common_http_protocol_options: object };
    }[];
    assert.ok(!("max_connection_duration" in (manager?.typed_config.common_http_protocol_options ?? {})));
  });

  it("limits connections before the connection manager, or not at all", () => {
    const limit = (max: number) => ({
      name: "envoy.filters.network.connection_limit",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
        stat_prefix: "connection_limit",
        max_connections: max,
      },
    });
    assert.deepEqual(values({}, "NETWORK_FILTER", "INSERT_BEFORE"), [limit(10_000), limit(10_000)]);
    assert.deepEqual(values({ maxConnections: 0 }, "NETWORK_FILTER", "INSERT_BEFORE"), []);
  });

  it("removes headers in the configured directions", () => {
    interface Mutations {
      typed_config: { mutations: Record<string, { remove: string }[]> };
    }
    const removed = (given: Record<string, unknown>) =>
      (values(given, "HTTP_FILTER", "INSERT_FIRST") as Mutations[]).map(({ typed_config: { mutations } }) => [
        mutations.request_mutations?.map(({ remove }) => remove),
        mutations.response_mutations?.map(({ remove }) => remove),
      ])[0];
    const [request, response] = removed({}) ?? [];
    assert.ok(request);
    assert.ok(request.includes("x-envoy-upstream-rq-timeout-ms"));
    // The connection manager sets these for the backend.
    assert.ok(!request.includes("x-envoy-external-address") && !request.includes("x-envoy-decorator-operation"));
    assert.ok(response?.includes("server") && response.includes("x-envoy-upstream-service-time"));
    assert.deepEqual(removed({ removeInternalHeaders: false }), [[], ["server"]]);
    assert.ok(!removed({ removeServerHeader: false })?.[1]?.includes("server"));
    assert.equal(removed({ removeInternalHeaders: false, removeServerHeader: false }), undefined);
  });

  it("creates nothing if it is off", async () => {
    const filters = async (hardening: object | false) =>
      (await register(() => new UnifiedGateway("gateway", stack({ gateway: { hardening } }))))
        .filter(({ type }) => type === "kubernetes:networking.istio.io/v1alpha3:EnvoyFilter")
        .map(({ inputs }) => (inputs.metadata as { name: string }).name);
    const others = await filters(false);
    assert.deepEqual(await filters({}), [...others, "unified-gateway--hardening"]);
  });
});

describe("components/requestLimits", () => {
  const spec = (limits: Record<string, unknown> | undefined, ...more: unknown[]) => {
    const services = [
      { name: "web", namespace: "apps", paths: ["/", "/api", ...more], limits },
      { name: "free", namespace: "apps" },
    ];
    return limitsPatches(stack({ services }).services);
  };

  it("buffers bodies only of the service's rules", () => {
    const buffer = {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
      max_request_bytes: 1000,
    };
    assert.deepEqual(filterMap(spec({ maxRequestSize: 1000 }), "limits"), {
      filters: { "web--api": buffer, "web--root": buffer },
      otherwise: undefined,
    });
  });

  it("changes the idle timeout without buffering bodies", () => {
    assert.deepEqual(
      spec({ streamIdleTimeout: "0s" }).map(({ match, patch }) => [match.routeConfiguration?.vhost, patch.value]),
      ["web--api", "web--root"].map((name) => [
        { route: { name, action: "ROUTE" } },
        { route: { idle_timeout: "0s" } },
      ]),
    );
    assert.deepEqual(spec(undefined), []);
  });

  it("takes a path's own limits in place of all of the service's", () => {
    const patches = spec(
      { maxRequestSize: 1000, streamIdleTimeout: "1h" },
      { path: "/upload", limits: { maxRequestSize: 9000 } },
      { path: "/watch", limits: { streamIdleTimeout: "0s" } },
      { path: "/off", limits: false },
    );
    const { filters } = filterMap(patches, "limits");
    assert.deepEqual(
      Object.fromEntries(Object.entries(filters).map(([rule, filter]) => [rule, filter?.max_request_bytes])),
      { "web--api": 1000, "web--root": 1000, "web--upload": 9000 },
    );
    const timeouts = patches.filter(({ applyTo }) => applyTo === "HTTP_ROUTE");
    assert.deepEqual(
      timeouts.map(({ match, patch }) => [match.routeConfiguration?.vhost?.route.name, patch.value.route]),
      [
        ["web--watch", { idle_timeout: "0s" }],
        ["web--api", { idle_timeout: "3600s" }],
        ["web--root", { idle_timeout: "3600s" }],
      ],
    );
  });
});

describe("config/hardening", () => {
  const refuses = (given: unknown, path: string, reason: RegExp, services?: unknown) => {
    refusesConfig({ gateway: { hardening: given }, ...(services === undefined ? {} : { services }) }, path, reason);
  };
  const at = (key: string) => `gateway.hardening.${key}`;

  it("refuses values out of bounds, unknown enum values, and unknown keys", () => {
    refuses({ maxConnections: -1 }, at("maxConnections"), /from 0 to/);
    refuses(
      { maxRequestHeadersSize: "8193Ki" },
      at("maxRequestHeadersSize"),
      /a size from 1Ki to 8Mi in whole Ki, such as 60Ki/,
    );
    refuses({ maxHeadersCount: 0 }, at("maxHeadersCount"), /from 1 to 10000/);
    refuses({ maxConcurrentStreams: 0 }, at("maxConcurrentStreams"), /from 1 to 2147483647/);
    refuses({ initialStreamWindowSize: 65_534 }, at("initialStreamWindowSize"), /from 65535 to/);
    refuses({ initialStreamWindowSize: "65534" }, at("initialStreamWindowSize"), /a size from 65535 to/);
    refuses({ perConnectionBufferLimit: 1 }, at("perConnectionBufferLimit"), /a size from 1Ki to 1Gi, such as 32Ki/);
    refuses({ idleTimeout: "1 hour" }, at("idleTimeout"), /a duration such as/);
    refuses({ headersWithUnderscoresAction: "DENY" }, at("headersWithUnderscoresAction"), /REJECT_REQUEST/);
    refuses({ pathWithEscapedSlashesAction: true }, at("pathWithEscapedSlashesAction"), /KEEP_UNCHANGED/);
    refuses({ idleTimout: "1h" }, at("idleTimout"), /the key idleTimeout/);
    refuses("no", "gateway.hardening", /a map of keys, or false to turn it off$/);
  });

  it("says how to turn it off", () => {
    refuses({ enabled: false }, at("enabled"), /not allowed: .*false in place of the map turns it off/);
  });

  it("accepts sizes as quantities and as plain numbers", () => {
    const given = {
      initialStreamWindowSize: "65535",
      initialConnectionWindowSize: 65_535,
      maxRequestHeadersSize: "1Mi",
    };
    const [manager] = values(given, "NETWORK_FILTER") as { typed_config: Record<string, unknown> }[];
    const { http2_protocol_options, max_request_headers_kb } = manager?.typed_config ?? {};
    assert.deepEqual(http2_protocol_options, {
      max_concurrent_streams: 100,
      initial_stream_window_size: 65_535,
      initial_connection_window_size: 65_535,
    });
    assert.equal(max_request_headers_kb, 1024);
  });

  it("refuses limits that another limit makes void", () => {
    const headers = at("requestHeadersTimeout");
    const requestTimeout = "5m";
    refuses({ requestHeadersTimeout: "6m", requestTimeout }, headers, /at most requestTimeout \(5m\)/);
    refuses({ requestHeadersTimeout: "0s", requestTimeout }, headers, /at most requestTimeout/);
    assert.deepEqual(mistakes({ gateway: { hardening: { requestHeadersTimeout: "6m", requestTimeout: "0s" } } }), []);
    const windows = { initialStreamWindowSize: 2_000_000 };
    refuses(windows, at("initialStreamWindowSize"), /at most initialConnectionWindowSize/);
  });

  it("refuses rules about headers that the gateway never lets through", () => {
    const match = { headers: { user_type: "beta" } };
    const web = { name: "web", namespace: "apps" };
    const matched = [{ ...web, paths: ["/", { path: "/", name: "beta", match }] }];
    refuses({}, "services[0].paths[1].match.headers.user_type", /without '_'/, matched);
    const canary = [{ ...web, canary: { service: "next", percent: 1, override: match } }];
    refuses({}, "services[0].canary.override.headers.user_type", /ALLOW/, canary);
    const rateLimit = { type: "local-by-header", header: "api_key", requests: 1, per: "second" };
    refuses({}, "services[0].rateLimit.header", /lets no such header through/, [{ ...web, rateLimit }]);
    const allow = { gateway: { hardening: { headersWithUnderscoresAction: "ALLOW" } } };
    assert.deepEqual(mistakes({ ...allow, services: matched }), []);
  });

  it("refuses invalid limits of a service", () => {
    const services = (limits: unknown) => [{ name: "web", namespace: "apps", limits }];
    refuses({}, "services[0].limits", /at least one of/, services({}));
    refuses({}, "services[0].limits.maxRequestSize", /a size from 1 to 1Gi/, services({ maxRequestSize: 0 }));
    refuses({}, "services[0].limits.streamIdleTimeout", /a duration/, services({ streamIdleTimeout: 5 }));
  });

  it("refuses invalid limits of a path, and a limit of connections, which carry requests to other paths", () => {
    const services = (limits: unknown) => [{ name: "web", namespace: "apps", paths: [{ path: "/", limits }] }];
    const at = "services[0].paths[0].limits";
    refuses({}, at, /at least one of maxRequestSize, streamIdleTimeout$/, services({}));
    refuses({}, `${at}.maxConnections`, /one of the keys maxRequestSize, stream/, services({ maxConnections: 1 }));
    refuses({}, at, /false/, services(true));
  });
});
