import assert from "node:assert/strict";
import { dnsRecords } from "../../../components/entry/dnsRecords";
import { redirectSpec } from "../../../components/entry/httpsRedirect";
import { grantsOf } from "../../../components/routing/routes";
import { routeSpec } from "../../../components/routing/routes";
import { gatewaySpec } from "../../../components/entry/tlsGateway";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { metadataOf, only, register } from "../../support/deployment";
import { schemaErrors } from "../../support/schemas";
import { plain, stack } from "../../support/stacks";

const REDIRECT = { gateway: { name: "g", namespace: "n" }, hostnames: ["*.example.test"] };

describe("components/httpsRedirect", () => {
  it("is bound only to the http listener, and answers 301", () => {
    assert.deepEqual(redirectSpec(REDIRECT), {
      parentRefs: [{ name: "g", namespace: "n", sectionName: "http" }],
      hostnames: ["*.example.test"],
      rules: [
        {
          name: "g--https-redirect",
          filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https", port: 443, statusCode: 301 } }],
        },
      ],
    });
  });

  it("answers with the status that the stack sets", () => {
    const [rule] = redirectSpec({ ...REDIRECT, config: { statusCode: 308 } }).rules;
    assert.deepEqual(rule?.filters, [
      { type: "RequestRedirect", requestRedirect: { scheme: "https", port: 443, statusCode: 308 } },
    ]);
  });

  it("refuses what a proxy received by https, behind trusted proxies", async () => {
    const loop = {
      name: "g--https-redirect-loop",
      matches: [
        {
          path: { type: "PathPrefix", value: "/" },
          headers: [{ type: "RegularExpression", name: "X-Forwarded-Proto", value: "(?i)https([ ,].*)?" }],
        },
      ],
    };
    const rules = (trustedProxies: number) => redirectSpec({ ...REDIRECT, clientAddress: { trustedProxies } }).rules;
    const [redirect] = redirectSpec(REDIRECT).rules;
    assert.deepEqual(rules(0), [redirect]);
    assert.deepEqual(rules(2), [loop, redirect]);
    const clientAddress = { trustedProxies: 1 };
    const config = stack({ gateway: { clientAddress, httpsRedirect: { statusCode: 308 } } });
    const resources = await register(() => new UnifiedGateway("gateway", config));
    for (const channel of ["standard", "experimental"] as const) {
      assert.deepEqual(schemaErrors(channel, resources), []);
    }
    const { inputs } = only(resources, "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", "gateway-redirect");
    const { rules: emitted } = plain(inputs.spec) as { rules: { filters?: { requestRedirect: object }[] }[] };
    assert.deepEqual(
      emitted.map(({ filters }) => filters?.[0]?.requestRedirect),
      [undefined, { scheme: "https", port: 443, statusCode: 308 }],
    );
  });
});

describe("components/httpsRedirect, external-dns", () => {
  it("says that the wildcard is not to be published, whether or not the stack sets externalDns", async () => {
    for (const gateway of [{}, { externalDns: {} }]) {
      const resources = await register(() => new UnifiedGateway("gateway", stack({ gateway })));
      const { annotations } = metadataOf(
        only(resources, "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", "gateway-redirect"),
      ) as { annotations: Record<string, string> };
      assert.deepEqual(annotations, {
        "external-dns.alpha.kubernetes.io/controller": "none",
        "external-dns.kubernetes.io/controller": "none",
      });
    }
  });
});

describe("components/routes, grants", () => {
  it("gives each a unique name, whatever the names of services and namespaces", async () => {
    const backends = [{ service: "b", namespace: "b-c" }];
    const config = stack({
      services: [
        { name: "web", namespace: "team-a", backends },
        { name: "a-web", namespace: "team", backends: [{ service: "b", namespace: "c" }, ...backends] },
        { name: "a", namespace: "team", backends },
        { name: "a-b", namespace: "team", backends: [{ service: "b", namespace: "c" }] },
      ],
    });
    const resources = await register(() => new UnifiedGateway("gateway", config));
    const grants = resources.filter(({ type }) => type.endsWith(":ReferenceGrant"));
    const objects = grants.map(({ inputs }) => {
      const { namespace, name } = inputs.metadata as { namespace: string; name: string };
      return `${namespace}/${name}`;
    });
    assert.equal(grants.length, 5);
    assert.equal(new Set(objects).size, 5, objects.join());
    assert.equal(new Set(grants.map(({ name }) => name)).size, 5);
  });

  it("gives a changed one another name, so that it is made before the old one is deleted", async () => {
    const nameWith = async (...names: string[]) => {
      const backends = names.map((service) => ({ service, namespace: "other" }));
      const config = stack({ services: [{ name: "web", namespace: "apps", backends }] });
      const resources = await register(() => new UnifiedGateway("gateway", config));
      const grants = resources.filter(({ type }) => type.endsWith(":ReferenceGrant"));
      return grants.map(({ inputs }) => (inputs.metadata as { name: string }).name);
    };
    const [first] = await nameWith("b", "c");
    assert.match(first ?? "", /^web-[0-9a-f]{10}\.unified-gateway\.istio-system$/);
    assert.deepEqual(await nameWith("c", "b"), [first]);
    assert.notDeepEqual(await nameWith("b"), [first]);
  });
});

describe("components/routes", () => {
  const [service] = stack({
    services: [
      {
        name: "web",
        namespace: "apps",
        port: 8080,
        paths: [
          "/",
          {
            path: "/x",
            backends: [
              { service: "b", namespace: "other", weight: 3 },
              { service: "a", namespace: "other" },
            ],
          },
        ],
      },
    ],
  }).services;
  assert.ok(service);

  it("is bound only to the https listener, with names, timeouts and weights", () => {
    assert.deepEqual(plain(routeSpec({ service, gateway: { name: "g", namespace: "n" } })), {
      parentRefs: [{ name: "g", namespace: "n", sectionName: "https" }],
      hostnames: ["web.example.test"],
      rules: [
        {
          name: "web--x",
          matches: [{ path: { type: "PathPrefix", value: "/x" } }],
          backendRefs: [
            { name: "b", namespace: "other", port: 8080, weight: 3 },
            { name: "a", namespace: "other", port: 8080, weight: 1 },
          ],
          timeouts: { request: "0s" },
        },
        {
          name: "web--root",
          matches: [{ path: { type: "PathPrefix", value: "/" } }],
          backendRefs: [{ name: "web", port: 8080, weight: 1 }],
          timeouts: { request: "0s" },
        },
      ],
    });
  });

  it("requests grants to Services in other namespaces, by name", () => {
    assert.deepEqual(grantsOf(service), {
      other: {
        from: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "apps" }],
        to: [
          { group: "", kind: "Service", name: "a" },
          { group: "", kind: "Service", name: "b" },
        ],
      },
    });
    const [plain] = stack().services;
    assert.ok(plain);
    assert.deepEqual(grantsOf(plain), {});
  });

  it("grants 16 Services at once, the most that a ReferenceGrant takes", () => {
    const paths = [0, 1].map((path) => ({
      path: `/p${path}`,
      backends: Array.from({ length: 16 }, (_, index) => ({
        service: `b${100 + path * 16 + index}`,
        namespace: "else",
      })),
    }));
    const granted = (count: number) => {
      const backends = paths.flatMap((path) => path.backends).slice(0, count);
      const given = [0, 1].map((path) => ({ path: `/p${path}`, backends: backends.slice(path * 16, path * 16 + 16) }));
      const { services } = stack({
        services: [{ name: "web", namespace: "apps", paths: given.filter((path) => path.backends.length > 0) }],
      });
      const [service] = services;
      assert.ok(service);
      return Object.entries(grantsOf(service)).map(([key, { to }]) => [key, to.length]);
    };
    assert.deepEqual(granted(16), [["else", 16]]);
    assert.deepEqual(granted(17), [
      ["else", 16],
      ["else.2", 1],
    ]);
  });
});

describe("components/tlsGateway", () => {
  const spec = (gateway: object) =>
    gatewaySpec({
      config: stack({ gateway }).gateway,
      listeners: [
        {
          name: "https",
          hostname: "*.example.test",
          secretNames: ["tls"],
          namespaces: ["shop", "apps", "shop"],
        },
      ],
      protect: false,
    });

  it("has one listener for the redirect and one for everything else", () => {
    const { listeners } = spec({});
    assert.deepEqual(
      listeners.map(({ name, port, protocol, hostname }) => [name, port, protocol, hostname]),
      [
        ["http", 80, "HTTP", undefined],
        ["https", 443, "HTTPS", "*.example.test"],
      ],
    );
    assert.deepEqual(listeners[0]?.allowedRoutes, { namespaces: { from: "Same" } });
    const matchExpressions = [{ key: "kubernetes.io/metadata.name", operator: "In", values: ["apps", "shop"] }];
    assert.deepEqual(listeners[1]?.allowedRoutes.namespaces, { from: "Selector", selector: { matchExpressions } });
  });

  it("admits the routes of its own namespace, or of all", () => {
    for (const allowedRoutes of ["Same", "All"]) {
      const gateway = { allowedRoutes, namespace: "apps" };
      assert.deepEqual(spec(gateway).listeners[1]?.allowedRoutes, { namespaces: { from: allowedRoutes } });
    }
  });

  it("requests an address of the right type, or none", () => {
    assert.equal(spec({}).addresses, undefined);
    assert.deepEqual(spec({ address: "192.0.2.1" }).addresses, [{ type: "IPAddress", value: "192.0.2.1" }]);
    assert.deepEqual(spec({ address: "2001:db8::1" }).addresses, [{ type: "IPAddress", value: "2001:db8::1" }]);
    assert.deepEqual(spec({ existing: { service: "istio-ingressgateway" } }).addresses, [
      { type: "Hostname", value: "istio-ingressgateway.istio-system.svc.cluster.local" },
    ]);
  });

  it("passes the cipher suites to Istio in the configured order", () => {
    const cipherSuites = ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"];
    assert.equal(
      spec({ tls: { cipherSuites } }).listeners[1]?.tls?.options?.["gateway.istio.io/tls-cipher-suites"],
      cipherSuites.join(","),
    );
  });

  it("leaves the suites of TLS 1.3 to Envoy", () => {
    assert.equal(spec({ tls: { minVersion: "1.3" } }).listeners[1]?.tls?.options, undefined);
  });

  it("admits all namespaces only if configured", () => {
    assert.deepEqual(spec({ allowedRoutes: "All" }).listeners[1]?.allowedRoutes, { namespaces: { from: "All" } });
  });
});

describe("components/dnsRecords", () => {
  const web = (name: string, more: object = {}) => ({ name, namespace: "apps", ...more });
  const records = (addresses: string[], externalDns?: object, ...services: object[]) =>
    dnsRecords(stack({ gateway: { externalDns }, services: [web("b"), web("a"), ...services] }), addresses);

  it("writes a zone-file line for each host, in order and once", () => {
    const again = web("again", { host: "b.example.test", paths: ["/x"] });
    assert.deepEqual(records(["192.0.2.1"], undefined, again), [
      "a.example.test. 300 IN A 192.0.2.1",
      "b.example.test. 300 IN A 192.0.2.1",
    ]);
    const [first] = records(["2001:db8::1"], { ttl: "1m" });
    assert.equal(first, "a.example.test. 60 IN AAAA 2001:db8::1");
    assert.equal(records(["lb.example.net"])[0], "a.example.test. 300 IN CNAME lb.example.net.");
    assert.deepEqual(records([]), []);
    assert.deepEqual(records(["192.0.2.1", "2001:db8::1"]).slice(0, 2), [
      "a.example.test. 300 IN A 192.0.2.1",
      "a.example.test. 300 IN AAAA 2001:db8::1",
    ]);
  });

  it("has the target and the times of the config", () => {
    const own = web("own", { externalDns: { ttl: "10s" } });
    assert.deepEqual(records(["192.0.2.1"], { ttl: "1m", target: "edge.cdn.test" }, own), [
      "a.example.test. 60 IN CNAME edge.cdn.test.",
      "b.example.test. 60 IN CNAME edge.cdn.test.",
      "own.example.test. 10 IN CNAME edge.cdn.test.",
    ]);
  });
});
