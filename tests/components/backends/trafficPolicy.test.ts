import assert from "node:assert/strict";
import { destinationRules } from "../../../components/backends/trafficPolicy";
import { routeSpec } from "../../../components/routing/routes";
import { plain, stack } from "../../support/stacks";

const EDGE = { name: "edge", namespace: "ingress" };

describe("components/backendPolicy", () => {
  it("creates one DestinationRule per backend, for its fully qualified host", () => {
    const { services } = stack({
      services: [
        {
          name: "web",
          namespace: "apps",
          canary: { service: "web-next", percent: 10 },
          trafficPolicy: {
            connections: {
              maxConnections: 100,
              maxPendingRequests: 50,
              maxRequestsPerConnection: 10,
              connectTimeout: "1s",
            },
            outlierDetection: {},
            loadBalancing: { warmup: "30s" },
          },
        },
        { name: "plain", namespace: "apps" },
      ],
    });
    const spec = (service: string) => ({
      host: `${service}.apps.svc.cluster.local`,
      exportTo: ["."],
      workloadSelector: { matchLabels: { "gateway.networking.k8s.io/gateway-name": "edge" } },
      trafficPolicy: {
        connectionPool: {
          tcp: { maxConnections: 100, connectTimeout: "1s" },
          http: { http1MaxPendingRequests: 50, maxRequestsPerConnection: 10 },
        },
        outlierDetection: { consecutive5xxErrors: 5, interval: "10s", baseEjectionTime: "30s", maxEjectionPercent: 10 },
        loadBalancer: { simple: "LEAST_REQUEST", warmup: { duration: "30s" } },
      },
    });
    assert.deepEqual(plain(destinationRules(services, EDGE)), {
      "web.apps": spec("web"),
      "web-next.apps": spec("web-next"),
    });
  });
});

describe("components/backendPolicy, TLS that the backend speaks", () => {
  const of = (tls: object, more: object = {}) => {
    const { services } = stack({ services: [{ name: "web", namespace: "apps", trafficPolicy: { tls }, ...more }] });
    return plain(destinationRules(services, EDGE)["web.apps"]?.trafficPolicy);
  };

  it("verifies by the CAs of the proxy's image, and by the Host header, by default", () => {
    // Istio takes names from the Host header only if there is neither sni nor subjectAltNames.
    assert.deepEqual(of({ mode: "SIMPLE" }), { tls: { mode: "SIMPLE", caCertificates: "system" } });
  });

  it("names a CA in the Gateway's namespace", () => {
    const ca = (kind: string) => of({ mode: "SIMPLE", ca: { kind, name: "backend-ca" } });
    assert.deepEqual(ca("Secret"), { tls: { mode: "SIMPLE", credentialName: "backend-ca" } });
    assert.deepEqual(ca("ConfigMap"), {
      tls: { mode: "SIMPLE", credentialName: "configmap://ingress/backend-ca" },
    });
  });

  it("checks the server name that is set, unless other names are", () => {
    const credentialName = "identity";
    const tls = { mode: "MUTUAL", credentialName, sni: "web.apps.svc" };
    assert.deepEqual(of(tls), { tls: { ...tls, subjectAltNames: ["web.apps.svc"] } });
    assert.deepEqual(of({ ...tls, subjectAltNames: ["other"] }), { tls: { ...tls, subjectAltNames: ["other"] } });
  });

  it("checks nothing only if insecure is said", () => {
    assert.deepEqual(of({ mode: "SIMPLE", insecure: false }), of({ mode: "SIMPLE" }));
    assert.deepEqual(of({ mode: "SIMPLE", insecure: true, sni: "web" }), {
      tls: { mode: "SIMPLE", sni: "web", insecureSkipVerify: true },
    });
  });

  it("asks for HTTP/2 if clients speak gRPC, and leaves it to the port otherwise", () => {
    const connectionPool = { http: { h2UpgradePolicy: "UPGRADE" } };
    assert.deepEqual(of({ mode: "SIMPLE" }, { protocol: "grpc" }), {
      connectionPool,
      tls: { mode: "SIMPLE", caCertificates: "system" },
    });
    assert.deepEqual(of({ mode: "DISABLE" }, { protocol: "grpc" }), { tls: { mode: "DISABLE" } });
  });
});

describe("components/backendPolicy, names", () => {
  it("tells backends apart whose concatenated names and namespaces are equal", () => {
    const trafficPolicy = { outlierDetection: {} };
    const { services } = stack({
      services: [
        { name: "one", namespace: "a", backends: [{ service: "b--c" }], trafficPolicy },
        { name: "two", namespace: "a--b", backends: [{ service: "c" }], trafficPolicy },
      ],
    });
    assert.deepEqual(
      Object.values(destinationRules(services, EDGE)).map(({ host }) => host),
      ["b--c.a.svc.cluster.local", "c.a--b.svc.cluster.local"],
    );
  });
});

describe("components/routes, matches", () => {
  it("writes headers, query parameters and the method as in the Gateway API", () => {
    const match = { method: "POST", headers: { "x-a": "1", "x-b": { regex: "b+" } }, query: { q: "v" } };
    const [service] = stack({ services: [{ name: "web", namespace: "apps", paths: [{ path: "/", match }] }] }).services;
    assert.ok(service);
    const { rules } = routeSpec({ service, gateway: { name: "g", namespace: "n" } });
    assert.deepEqual(rules[0]?.matches, [
      {
        path: { type: "PathPrefix", value: "/" },
        method: "POST",
        headers: [
          { type: "Exact", name: "x-a", value: "1" },
          { type: "RegularExpression", name: "x-b", value: "b+" },
        ],
        queryParams: [{ type: "Exact", name: "q", value: "v" }],
      },
    ]);
  });
});
