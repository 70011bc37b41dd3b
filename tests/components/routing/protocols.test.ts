import assert from "node:assert/strict";
import { grpcRouteSpec } from "../../../components/routing/grpcRoute";
import { localRateLimitPatches } from "../../../components/limits/localRateLimit";
import { grantsOf } from "../../../components/routing/routes";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { serviceSpec } from "../../../components/routing/versionServices";
import { metadataOf, only, register } from "../../support/deployment";
import { filterMap } from "../../support/filterMap";
import { schemaErrors } from "../../support/schemas";
import { plain, stack } from "../../support/stacks";

const GRPC_ROUTE = "kubernetes:gateway.networking.k8s.io/v1:GRPCRoute";

const config = stack({
  services: [
    {
      name: "echo",
      namespace: "apps",
      protocol: "grpc",
      port: 50051,
      paths: ["/", { path: "/a.B/C", backends: [{ service: "c", namespace: "far" }] }, "/a.B"],
      requestHeaders: { set: { a: "b" } },
      mirror: { service: "copy", percent: 5 },
      rateLimit: { type: "local", requests: 5, per: "second" },
      canary: {
        percent: 25,
        override: { headers: { "x-canary": "true" } },
        versions: { selector: { app: "echo" }, targetPort: 9090 },
      },
    },
  ],
});
const [service] = config.services;
assert.ok(service);

describe("components/grpcRoute", () => {
  it("matches by service, method and metadata, and has no timeouts", () => {
    const { parentRefs, hostnames, rules } = grpcRouteSpec({ service, gateway: { name: "g", namespace: "n" } });
    assert.deepEqual(parentRefs, [{ name: "g", namespace: "n", sectionName: "https" }]);
    assert.deepEqual(hostnames, ["echo.example.test"]);
    const headers = [{ type: "Exact", name: "x-canary", value: "true" }];
    assert.deepEqual(plain(rules.map(({ name, matches = "every call" }) => [name, matches])), [
      ["echo--a-b-c", [{ method: { type: "Exact", service: "a.B", method: "C" } }]],
      ["echo--a-b-canary", [{ method: { type: "Exact", service: "a.B" }, headers }]],
      ["echo--a-b", [{ method: { type: "Exact", service: "a.B" } }]],
      ["echo--root-canary", [{ headers }]],
      ["echo--root", "every call"],
    ]);
    assert.deepEqual(plain(rules[4]), {
      name: "echo--root",
      filters: [
        { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "a", value: "b" }] } },
        { type: "RequestMirror", requestMirror: { backendRef: { name: "copy", port: 50051 }, percent: 5 } },
      ],
      backendRefs: [
        { name: "echo-stable", port: 50051, weight: 75 },
        { name: "echo-canary", port: 50051, weight: 25 },
      ],
    });
  });

  it("requests grants for its own kind", () => {
    assert.deepEqual(grantsOf(service), {
      far: {
        from: [{ group: "gateway.networking.k8s.io", kind: "GRPCRoute", namespace: "apps" }],
        to: [{ group: "", kind: "Service", name: "c" }],
      },
    });
  });

  it("is rate limited by its rules' names", () => {
    const { filters } = filterMap(localRateLimitPatches(config.services), "local-rate-limit");
    assert.deepEqual(
      Object.entries(filters).map(([name, filter]) => [name, filter?.rate_limited_as_resource_exhausted]),
      service.rules.map(({ name }) => [name, true]),
    );
  });

  for (const channel of ["standard", "experimental"] as const) {
    it(`is accepted by the ${channel} CRDs, and replaces the HTTPRoute`, async () => {
      const resources = await register(() => new UnifiedGateway("gateway", config));
      assert.deepEqual(schemaErrors(channel, resources), []);
      only(resources, GRPC_ROUTE, "gateway-echo");
      assert.ok(!resources.some(({ type, name }) => type.endsWith(":HTTPRoute") && name === "gateway-echo"));
    });
  }
});

describe("components/versionServices", () => {
  it("selects a version's pods, and tells Istio the protocol by the port name", () => {
    const [stable] = service.versions;
    assert.ok(stable);
    assert.deepEqual(serviceSpec(stable, "grpc"), {
      selector: { app: "echo", version: "stable" },
      ports: [{ name: "grpc-50051", port: 50051, targetPort: 9090, protocol: "TCP" }],
    });
  });

  it("creates one Service per version, in the route's namespace, without waiting for pods", async () => {
    const resources = await register(() => new UnifiedGateway("gateway", config));
    const services = resources.filter(({ type }) => type === "kubernetes:core/v1:Service");
    assert.deepEqual(
      services.map(metadataOf),
      ["echo-stable", "echo-canary"].map((name) => ({
        name,
        namespace: "apps",
        labels: { "app.kubernetes.io/part-of": "unified-gateway", "unified-gateway/gateway-namespace": "istio-system" },
        annotations: { "pulumi.com/skipAwait": "true" },
      })),
    );
  });
});
