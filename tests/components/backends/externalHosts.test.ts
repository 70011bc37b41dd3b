import assert from "node:assert/strict";
import { serviceEntries } from "../../../components/backends/externalHosts";
import { destinationRules } from "../../../components/backends/trafficPolicy";
import { routeSpec } from "../../../components/routing/routes";
import { streamRouteSpec } from "../../../components/routing/streamRoutes";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { register } from "../../support/deployment";
import { plain, stack } from "../../support/stacks";

const GATEWAY = { name: "edge", namespace: "edge-system" };
const API = "api.partner.test";

const config = stack({
  services: [
    {
      name: "web",
      namespace: "apps",
      backends: [
        { service: "web", weight: 9 },
        { host: API, port: 443 },
      ],
      paths: ["/", { path: "/old", backends: [{ host: API, port: 8443 }] }],
    },
    { name: "far", namespace: "far", backends: [{ host: API, port: 443 }] },
    {
      name: "legacy",
      namespace: "apps",
      backends: [{ address: "fd00::1", port: 80 }],
      trafficPolicy: { tls: { mode: "DISABLE" } },
    },
    { name: "calls", namespace: "apps", protocol: "grpc", backends: [{ host: "grpc.partner.test", port: 443 }] },
    { name: "db", namespace: "apps", protocol: "tcp", listenPort: 5432, backends: [{ host: "db.test", port: 5432 }] },
    { name: "inside", namespace: "apps" },
  ],
});

describe("components/externalHosts", () => {
  it("makes the same ServiceEntry of a host in each namespace, with all its ports, for the gateway alone", () => {
    const api = {
      hosts: [API],
      location: "MESH_EXTERNAL",
      resolution: "DNS",
      ports: [
        { number: 443, name: "http-443", protocol: "HTTP" },
        { number: 8443, name: "http-8443", protocol: "HTTP" },
      ],
      exportTo: ["edge-system"],
    };
    const port = (number: number, protocol: string) => [
      { number, name: `${protocol.toLowerCase()}-${number}`, protocol },
    ];
    assert.deepEqual(plain(serviceEntries({ ...config, gateway: GATEWAY })), [
      { namespace: "apps", spec: api },
      { namespace: "far", spec: api },
      {
        namespace: "apps",
        spec: {
          ...api,
          hosts: ["ip-fd00--1.external.internal"],
          resolution: "STATIC",
          ports: port(80, "HTTP"),
          endpoints: [{ address: "fd00::1" }],
        },
      },
      { namespace: "apps", spec: { ...api, hosts: ["grpc.partner.test"], ports: port(443, "GRPC") } },
      { namespace: "apps", spec: { ...api, hosts: ["db.test"], ports: port(5432, "TCP") } },
    ]);
  });

  it("refers to hosts by Hostname, with their own name as Host; connections have none", () => {
    const [web, , legacy] = config.services;
    assert.ok(web && legacy);
    const refs = (service: typeof web) =>
      plain(routeSpec({ service, gateway: GATEWAY }).rules.map(({ backendRefs }) => backendRefs));
    const hostname = { group: "networking.istio.io", kind: "Hostname" };
    const filters = [{ type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "Host", value: API }] } }];
    assert.deepEqual(refs(web), [
      [{ ...hostname, name: API, port: 8443, weight: 1, filters }],
      [
        { name: "web", port: 80, weight: 9 },
        { ...hostname, name: API, port: 443, weight: 1, filters },
      ],
    ]);
    assert.deepEqual(refs(legacy), [[{ ...hostname, name: "ip-fd00--1.external.internal", port: 80, weight: 1 }]]);
    const [db] = config.streams;
    assert.ok(db);
    assert.deepEqual(streamRouteSpec(db, GATEWAY).rules[0]?.backendRefs, [
      { ...hostname, name: "db.test", port: 5432, weight: 1 },
    ]);
  });

  it("demands a certificate for the host, unless the config says otherwise; Services are left alone", () => {
    const rules = Object.values(destinationRules(config.services, GATEWAY)).map(({ host, trafficPolicy }) => [
      host,
      plain(trafficPolicy.tls),
    ]);
    const simple = (host: string) => ({
      mode: "SIMPLE",
      sni: host,
      subjectAltNames: [host],
      caCertificates: "system",
    });
    assert.deepEqual(rules, [
      [API, simple(API)],
      ["ip-fd00--1.external.internal", { mode: "DISABLE" }],
      ["grpc.partner.test", simple("grpc.partner.test")],
    ]);
  });

  it("adds nothing to a stack without any", async () => {
    const resources = await register(() => new UnifiedGateway("gateway", stack()));
    assert.ok(!resources.some(({ type }) => /ServiceEntry|ExternalHosts/.test(type)));
  });
});
