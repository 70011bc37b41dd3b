import assert from "node:assert/strict";
import { ENVOY_FILTERS, httpFilterNames } from "../../components/envoyFilters";
import { UnifiedGateway } from "../../components/unifiedGateway";
import type { EnvoyFilterSpec } from "../../kinds/envoyFilter";
import { register, type Registered } from "../support/deployment";
import { plain, stack } from "../support/stacks";

const FILTER = "kubernetes:networking.istio.io/v1alpha3:EnvoyFilter";

/** A stack that needs every filter of the table. */
const EVERYTHING = {
  gateway: { clientAddress: { trustedProxies: 0 }, tls: { minVersion: "1.3" } },
  telemetry: { metrics: { scrape: "config-map" } },
  services: [
    {
      name: "web",
      namespace: "apps",
      access: { jwt: { issuer: "https://id.test", audiences: ["web"], jwksUri: "https://id.test/keys" } },
      rateLimit: [
        { type: "local", requests: 1, per: "second" },
        { type: "global", requests: 1, per: "second" },
      ],
      limits: { maxRequestSize: "1Mi" },
      cors: { allowOrigins: ["https://app.example.test"] },
      fault: { abort: { status: 503 } },
      compression: {},
      sessionPersistence: {},
      errorPages: {},
      retry: { attempts: 1 },
      paths: [{ path: "/(a)", type: "RegularExpression", rewrite: { path: "/\\1" } }],
    },
    { name: "nobody", namespace: "apps", deny: true },
    { name: "apex", namespace: "apps", host: "example.test" },
    {
      name: "sql",
      namespace: "apps",
      protocol: "tcp",
      listenPort: 5432,
      limits: { maxConnections: 10 },
      access: { allow: ["10.0.0.0/8"] },
    },
  ],
};

type Spec = EnvoyFilterSpec & { workloadSelector?: unknown };

const filters = async (values: object): Promise<Registered[]> =>
  (await register(() => new UnifiedGateway("gateway", stack({ ...values })))).filter(({ type }) => type === FILTER);

describe("components/envoyFilters", () => {
  it("creates every filter of the table, each with a unique name", async () => {
    const names = ENVOY_FILTERS.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    const made = (await filters(EVERYTHING)).map(({ inputs }) => (inputs.metadata as { name: string }).name);
    assert.deepEqual(made.sort(), names.map((name) => `unified-gateway--${name}`).sort());
  });

  it("creates no filter for unused features", async () => {
    const made = await filters({});
    assert.deepEqual(
      made.map(({ name }) => name),
      ["gateway-tls-parameters", "gateway-route-keys", "gateway-retry", "gateway-hardening"],
    );
  });

  it("sets priorities in table order, above 0, which istioctl reads as no priority", async () => {
    const priorities = new Map((await filters(EVERYTHING)).map(({ name, inputs }) => [name, inputs.spec as Spec]));
    const inOrder = ENVOY_FILTERS.map(({ name }) => priorities.get(`gateway-${name}`)?.priority ?? 0);
    assert.ok(inOrder.every((priority) => priority > 0));
    assert.deepEqual(
      inOrder,
      [...inOrder].sort((a, b) => a - b),
    );
  });

  it("writes down the keys of requests as soon as one filter is discovered", async () => {
    const hasKeys = async (more: object) => {
      const timeouts = { backendRequest: "0s" };
      const made = await filters({ services: [{ name: "web", namespace: "apps", timeouts, ...more }] });
      return made.some(({ name }) => name === "gateway-route-keys");
    };
    assert.equal(await hasKeys({ limits: { streamIdleTimeout: "1m" } }), false);
    assert.equal(await hasKeys({ limits: { maxRequestSize: "1Mi" } }), true);
    assert.equal(await hasKeys({ retry: { attempts: 1 } }), true);
  });

  it("names the filters that every proxy must have", () => {
    const limited = {
      name: "shop",
      namespace: "apps",
      port: 8080,
      limits: { maxRequestSize: "1Mi" },
      retry: { attempts: 1 },
    };
    assert.deepEqual(httpFilterNames(stack({ services: [limited] })), [
      "unified-gateway.limits",
      "unified-gateway.retry",
    ]);
    assert.deepEqual(httpFilterNames(stack({})), ["unified-gateway.retry"]);
  });

  it("puts each filter in its place in front of Istio's, or between those and the router", async () => {
    // As Istio applies them to a chain with its own filters and the router.
    const chain = ["istio", "router"];
    const specs = (await filters(EVERYTHING)).map(({ inputs }) => inputs.spec as Spec);
    for (const { configPatches } of specs.sort((a, b) => a.priority - b.priority)) {
      for (const { applyTo, match, patch } of configPatches) {
        if (applyTo === "HTTP_FILTER" && match.listener?.portNumber === 443) {
          const place = patch.operation === "INSERT_FIRST" ? 0 : chain.length - 1;
          chain.splice(place, 0, (patch.value as { name: string }).name);
        }
      }
    }
    assert.deepEqual(chain, [
      "envoy.filters.http.header_mutation",
      "unified-gateway.route-keys",
      "unified-gateway.error-pages",
      "unified-gateway.misdirected",
      "envoy.filters.http.cors",
      "unified-gateway.credentials-from-clients",
      "unified-gateway.credentials",
      "istio",
      "unified-gateway.access",
      "unified-gateway.local-rate-limit",
      "unified-gateway.limits",
      "unified-gateway.global-rate-limit",
      "envoy.filters.http.ratelimit",
      "unified-gateway.fault",
      "unified-gateway.compression",
      "unified-gateway.answers",
      "unified-gateway.rewrite",
      "unified-gateway.session-persistence",
      "unified-gateway.retry",
      "unified-gateway.counters",
      "unified-gateway.credentials-to-backends",
      "router",
    ]);
  });

  it("selects its own gateway, and none of that name in other namespaces, as labels in Istio's root namespace do", async () => {
    for (const { name, inputs } of await filters(EVERYTHING)) {
      const { targetRefs, workloadSelector } = plain(inputs.spec) as Spec;
      const target = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "unified-gateway" };
      assert.deepEqual([targetRefs, workloadSelector], [[target], undefined], name);
    }
  });
});
