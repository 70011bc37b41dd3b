import assert from "node:assert/strict";
import { accessLogFilter } from "../../../components/telemetry/accessLogFilter";
import {
  GatewayTelemetry,
  routeTelemetryPatches,
  telemetrySpec,
  type GatewayTelemetryArgs,
} from "../../../components/telemetry/telemetry";
import { register } from "../../support/deployment";
import { schemaErrors } from "../../support/schemas";
import { plain, stack } from "../../support/stacks";

type Values = Record<string, unknown>;

/** Services `web` with its own telemetry, and `api` without. */
function args(telemetry: Values, own: Values = {}): GatewayTelemetryArgs {
  const services = [
    { name: "web", namespace: "apps", telemetry: own },
    { name: "api", namespace: "apps" },
  ];
  const config = stack({ services, telemetry });
  return {
    telemetry: config.telemetry,
    services: config.services,
    gateway: { name: "gateway", namespace: "gateways" },
  };
}

const logs = { provider: "json" };

describe("components/gatewayTelemetry", () => {
  it("creates nothing if the stack leaves it to the mesh", async () => {
    const resources = await register(() => new GatewayTelemetry("gateway", args({})));
    assert.deepEqual(
      resources.map(({ type }) => type),
      ["istio-gateway:index:GatewayTelemetry"],
    );
  });

  it("targets only this Gateway", () => {
    assert.deepEqual(plain(telemetrySpec(args({ accessLogs: logs }))), {
      targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "gateway" }],
      accessLogging: [{ providers: [{ name: "json" }] }],
    });
  });

  it("sets the trace provider, the share, and tags without query strings", () => {
    const spec = telemetrySpec(args({ traces: { provider: "otel" } }));
    assert.deepEqual(plain(spec?.tracing), [
      {
        providers: [{ name: "otel" }],
        randomSamplingPercentage: 1,
        customTags: {
          "gateway.route": { formatter: { value: "%ROUTE_NAME%" } },
          "http.url": { formatter: { value: "%REQ(:SCHEME)%://%REQ(:AUTHORITY)%%PATH(NQ)%" } },
        },
      },
    ]);
    assert.equal(spec?.accessLogging, undefined);
  });

  it("patches the routes of services with their own share of traces", () => {
    const spec = routeTelemetryPatches(args({ traces: { provider: "otel" } }, { traces: { samplePercent: 50 } }));
    assert.deepEqual(spec, [
      {
        applyTo: "HTTP_ROUTE",
        match: {
          context: "GATEWAY",
          routeConfiguration: {
            portNumber: 443,
            vhost: { route: { name: "web--root", action: "ROUTE" } },
          },
        },
        patch: {
          operation: "MERGE",
          value: { tracing: { random_sampling: { numerator: 50, denominator: "HUNDRED" } } },
        },
      },
    ]);
    assert.deepEqual(routeTelemetryPatches(args({ traces: { provider: "otel" } })), []);
  });

  it("traces a path by its own share in place of the service's, or by the stack's", () => {
    const traces = (samplePercent: number) => ({ traces: { samplePercent } });
    const paths = ["/", { path: "/busy", telemetry: traces(1) }, { path: "/health", telemetry: false }];
    const web = { name: "web", namespace: "apps", telemetry: traces(50), paths };
    const { services, telemetry } = stack({ services: [web], telemetry: { traces: { provider: "otel" } } });
    const shares = routeTelemetryPatches({ services, telemetry }).map(({ match, patch }) => [
      match.routeConfiguration?.vhost?.route.name,
      (plain(patch.value) as { tracing: { random_sampling: { numerator: number } } }).tracing.random_sampling.numerator,
    ]);
    assert.deepEqual(shares, [
      ["web--busy", 1],
      ["web--root", 50],
    ]);
  });

  it("patches the rules of gRPC services too", () => {
    const calls = { name: "calls", namespace: "apps", protocol: "grpc", telemetry: { traces: { samplePercent: 50 } } };
    const telemetry = { traces: { provider: "otel" }, metrics: { scrape: "config-map" } };
    const config = stack({ services: [calls], telemetry });
    const { services } = config;
    const [, patch, ...more] = routeTelemetryPatches({ services, telemetry: config.telemetry });
    assert.deepEqual(more, []);
    assert.deepEqual(patch?.match.routeConfiguration, {
      portNumber: 443,
      vhost: { route: { name: "calls--root", action: "ROUTE" } },
    });
    assert.deepEqual(patch.patch.value, {
      tracing: { random_sampling: { numerator: 50, denominator: "HUNDRED" } },
    });
  });

  it("emits objects that Istio's CRDs accept", async () => {
    const telemetry = { accessLogs: { ...logs, samplePercent: 5 }, traces: { provider: "otel" } };
    const all = args(telemetry, { accessLogs: { errorsFrom: 400 }, traces: { samplePercent: 9 } });
    const resources = await register(() => new GatewayTelemetry("gateway", all));
    assert.deepEqual(resources.map(({ type }) => type).sort(), [
      "istio-gateway:index:GatewayTelemetry",
      "kubernetes:telemetry.istio.io/v1:Telemetry",
    ]);
    assert.deepEqual(schemaErrors("standard", resources), []);
  });
});

describe("components/accessLogFilter", () => {
  const filter = (telemetry: Values, own: Values = {}) => {
    const { services, telemetry: config } = args({ accessLogs: { ...logs, ...telemetry } }, { accessLogs: own });
    assert.ok(config.accessLogs);
    return accessLogFilter(services, config.accessLogs);
  };
  const none = { errorsFrom: 500 };

  it("is absent if everything is logged", () => {
    assert.equal(filter({}, { errorsFrom: 400 }), undefined);
  });

  it("keeps errors, slow requests and a share", () => {
    assert.equal(filter({ samplePercent: 0 }, none), "!has(response.code) || response.code >= 500");
    assert.equal(
      filter({ samplePercent: 10, errorsFrom: 400, slowerThan: "1m30s" }, { errorsFrom: 400 }),
      '!has(response.code) || response.code >= 400 || request.duration > duration("1m30s") || request.id < "199a"',
    );
  });

  it("samples request ids in proportion", () => {
    for (const [percent, bound] of [
      [1, "028f"],
      [25, "4000"],
      [50, "8000"],
      [99, "fd71"],
    ] as const) {
      assert.match(filter({ samplePercent: percent }, none) ?? "", new RegExp(`request\\.id < "${bound}"$`));
    }
  });

  it("names the paths of a service that differ, and no other service's", () => {
    const paths = [
      "/",
      { path: "/pay", telemetry: { accessLogs: { samplePercent: 100 } } },
      { path: "/x", telemetry: false },
    ];
    const services = [
      { name: "web", namespace: "apps", paths, telemetry: { accessLogs: { errorsFrom: 400 } } },
      { name: "api", namespace: "apps", telemetry: { accessLogs: { errorsFrom: 400 } } },
      { name: "same", namespace: "apps", paths: ["/", "/a"] },
    ];
    const config = stack({ services, telemetry: { accessLogs: { ...logs, samplePercent: 0 } } });
    assert.ok(config.telemetry.accessLogs);
    const [pay, rest, all] = [
      'has(xds.route_name) && (xds.route_name == "web--pay")',
      'has(xds.route_name) && (xds.route_name == "web--root" || xds.route_name.startsWith("api--"))',
      'has(xds.route_name) && (xds.route_name == "web--pay" || xds.route_name == "web--root" || xds.route_name.startsWith("api--"))',
    ];
    const errors = (status: number) => `(!has(response.code) || response.code >= ${status})`;
    assert.equal(
      accessLogFilter(config.services, config.telemetry.accessLogs),
      `(${pay}) || (${rest} && ${errors(400)}) || (!(${all}) && ${errors(500)})`,
    );
  });

  it("applies the rules of a service to its own requests, and the stack's to all others", () => {
    const web = 'has(xds.route_name) && (xds.route_name.startsWith("web--"))';
    assert.equal(
      filter({}, { samplePercent: 0, errorsFrom: 400 }),
      `(${web} && (!has(response.code) || response.code >= 400)) || (!(${web}))`,
    );
    assert.equal(
      filter({ samplePercent: 0 }, { samplePercent: 100 }),
      `(${web}) || (!(${web}) && (!has(response.code) || response.code >= 500))`,
    );
  });

  it("names services with equal rules together, and is no deeper for more of them", () => {
    const services = (count: number) =>
      stack({
        telemetry: { accessLogs: { ...logs, samplePercent: 0 } },
        services: Array.from({ length: count }, (_, index) => ({
          name: `s${index}`,
          namespace: "apps",
          telemetry: { accessLogs: { samplePercent: 1 + (index % 90) } },
        })),
      });
    const depth = (text: string) => {
      let [deepest, now] = [0, 0];
      for (const sign of text) {
        now += sign === "(" ? 1 : sign === ")" ? -1 : 0;
        deepest = Math.max(deepest, now);
      }
      return deepest;
    };
    const filters = [1, 500].map((count) => {
      const { services: all, telemetry } = services(count);
      assert.ok(telemetry.accessLogs);
      return accessLogFilter(all, telemetry.accessLogs) ?? "";
    });
    assert.equal(depth(filters[1] ?? ""), depth(filters[0] ?? ""));
    assert.ok(!filters[1]?.includes("?"));
    assert.equal(filters[1]?.match(/startsWith/g)?.length, 2 * 500);
    assert.equal(filters[1].match(/has\(response\.code\)/g)?.length, 90 + 1);
  });
});
