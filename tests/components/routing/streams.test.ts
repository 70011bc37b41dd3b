import assert from "node:assert/strict";
import { streamAccessPatches } from "../../../components/access/streamAccess";
import { tcpRouteVersion } from "../../../components/cluster/gatewayApiCrds";
import { connectionLimitPatches } from "../../../components/limits/connectionLimit";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { only, type Registered, register } from "../../support/deployment";
import { schemaErrors } from "../../support/schemas";
import { plain, stack } from "../../support/stacks";

const GROUP = "kubernetes:gateway.networking.k8s.io";
const CONFIG = {
  gateway: { clientAddress: { trustedProxies: 0 }, externalDns: { ttl: "1m" } },
  services: [
    { name: "web", namespace: "apps" },
    {
      name: "sql",
      namespace: "db",
      protocol: "tcp",
      listenPort: 5432,
      port: 5432,
      backends: [
        { service: "primary", weight: 3 },
        { service: "replica", namespace: "far" },
      ],
      access: { allow: ["10.0.0.0/8"], deny: ["10.1.0.0/16"] },
      limits: { maxConnections: 7 },
    },
    {
      name: "vault",
      namespace: "vault",
      protocol: "tls-passthrough",
      host: "vault.elsewhere.test",
      port: 8200,
      access: { allow: ["192.168.0.0/16"] },
    },
    { name: "mqtt", namespace: "iot", protocol: "tls-terminate", port: 1883, listenPort: 8883 },
  ],
};

const deploy = (more: object = {}): Promise<Registered[]> =>
  register(() => new UnifiedGateway("gateway", { ...stack(CONFIG), ...more }));
const specOf = (resource: Registered) => plain(resource.inputs.spec) as Record<string, unknown>;

describe("components/streams", () => {
  it("are listeners of their own, for the namespaces of their routes alone", async () => {
    const { listeners } = specOf(only(await deploy(), `${GROUP}/v1:Gateway`)) as {
      listeners: { name: string; allowedRoutes: object }[];
    };
    const own = listeners.filter(({ name }) => name !== "http" && name !== "https");
    const routes = (namespace: string) => ({
      namespaces: {
        from: "Selector",
        selector: { matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: [namespace] }] },
      },
    });
    const [, , terminating] = own as unknown as { tls: { options: object } }[];
    assert.match(JSON.stringify(terminating?.tls.options), /ECDHE/);
    assert.deepEqual(
      own.map((listener) => ({ ...listener, allowedRoutes: undefined, tls: undefined })),
      [
        { name: "tcp-5432", port: 5432, protocol: "TCP" },
        { name: "host-vault-elsewhere-test", port: 443, protocol: "TLS", hostname: "vault.elsewhere.test" },
        { name: "host-mqtt-example-test---8883", port: 8883, protocol: "TLS", hostname: "mqtt.example.test" },
      ].map((listener) => ({ ...listener, allowedRoutes: undefined, tls: undefined })),
    );
    assert.deepEqual(
      own.map(({ allowedRoutes }) => allowedRoutes),
      ["db", "vault", "iot"].map(routes),
    );
    const modes = (own as unknown as { tls?: { mode: string } }[]).map(({ tls }) => tls?.mode);
    assert.deepEqual(modes, [undefined, "Passthrough", "Terminate"]);
  });

  it("have routes with weights, grants and external-dns' annotation, which the CRDs accept", async () => {
    const resources = await deploy();
    assert.deepEqual(schemaErrors("standard", resources), []);
    const tcp = only(resources, `${GROUP}/v1:TCPRoute`);
    const parent = (sectionName: string) => ({ name: "unified-gateway", namespace: "istio-system", sectionName });
    assert.deepEqual(specOf(tcp), {
      parentRefs: [parent("tcp-5432")],
      rules: [
        {
          name: "sql--connections",
          backendRefs: [
            { name: "primary", port: 5432, weight: 3 },
            { name: "replica", namespace: "far", port: 5432, weight: 1 },
          ],
        },
      ],
    });
    const [vault] = resources.filter(({ type }) => type === `${GROUP}/v1:TLSRoute`);
    assert.ok(vault);
    assert.deepEqual(specOf(vault).hostnames, ["vault.elsewhere.test"]);
    assert.match(JSON.stringify(vault.inputs.metadata), /external-dns[^"]*ttl":"60"/);
    const grant = specOf(only(resources, `${GROUP}/v1beta1:ReferenceGrant`));
    assert.deepEqual(grant.from, [{ group: "gateway.networking.k8s.io", kind: "TCPRoute", namespace: "db" }]);
  });

  it("have TCPRoutes in the version that the CRDs have", async () => {
    const version = (text: string) => tcpRouteVersion({ channel: "experimental", version: text });
    assert.deepEqual(["v1.4.1", "v1.5.1", "v1.6.0", "v2.0.0"].map(version), ["v1alpha2", "v1alpha2", "v1", "v1"]);
    assert.equal(tcpRouteVersion(undefined), "v1");
    const resources = await deploy({ tcpRouteVersion: "v1alpha2" });
    only(resources, `${GROUP}/v1alpha2:TCPRoute`);
    assert.deepEqual(schemaErrors("standard", resources), []);
  });

  it("are guarded by address, each by its port or server name", async () => {
    const policies = (await deploy()).filter(({ type }) => type.endsWith(":AuthorizationPolicy"));
    assert.equal(policies.length, 1);
    const [policy] = policies;
    assert.ok(policy);
    const { action, rules } = specOf(policy);
    const sql = { to: [{ operation: { ports: ["5432"] } }] };
    const vault = {
      to: [{ operation: { ports: ["443"] } }],
      when: [{ key: "connection.sni", values: ["vault.elsewhere.test"] }],
    };
    assert.equal(action, "DENY");
    assert.deepEqual(rules, [
      { from: [{ source: { notRemoteIpBlocks: ["10.0.0.0/8"] } }], ...sql },
      { from: [{ source: { remoteIpBlocks: ["10.1.0.0/16"] } }], ...sql },
      { from: [{ source: { notRemoteIpBlocks: ["192.168.0.0/16"] } }], ...vault },
    ]);
  });

  it("close other connections when they are accepted, before a backend speaks", () => {
    const found = streamAccessPatches(stack(CONFIG).streams).map(({ applyTo, match, patch }) => [
      applyTo,
      match.listener,
      patch,
    ]);
    const range = (address_prefix: string, prefix_len: number) => ({ address_prefix, prefix_len });
    const merge = (...source_prefix_ranges: object[]) => ({
      operation: "MERGE",
      value: { filter_chain_match: { source_prefix_ranges } },
    });
    assert.deepEqual(found, [
      ["FILTER_CHAIN", { portNumber: 5432 }, merge(range("10.0.0.0", 8))],
      [
        "FILTER_CHAIN",
        { portNumber: 5432 },
        {
          operation: "ADD",
          value: {
            name: "unified-gateway.tcp-5432-denied",
            filter_chain_match: { source_prefix_ranges: [range("10.1.0.0", 16)] },
            filters: [
              {
                name: "envoy.filters.network.direct_response",
                typed_config: {
                  "@type": "type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config",
                },
              },
            ],
          },
        },
      ],
      [
        "FILTER_CHAIN",
        { portNumber: 443, filterChain: { sni: "vault.elsewhere.test" } },
        merge(range("192.168.0.0", 16)),
      ],
    ]);
  });

  it("have limits of connections, where they are set", () => {
    const [patch, ...more] = connectionLimitPatches(stack(CONFIG).streams);
    assert.deepEqual(more, []);
    assert.deepEqual(patch?.match, { context: "GATEWAY", listener: { portNumber: 5432 } });
    assert.match(JSON.stringify(patch.patch.value), /"max_connections":7/);
  });
});

describe("components/httpsRedirect, for certificates by HTTP-01", () => {
  it("has each host that a solver's route would take from the wildcard", async () => {
    const certificate = { type: "cert-manager", issuer: "acme", names: "hosts" };
    const resources = await register(() => new UnifiedGateway("gateway", stack({ certificate })));
    const redirect = only(resources, `${GROUP}/v1:HTTPRoute`, "gateway-redirect");
    assert.deepEqual(specOf(redirect).hostnames, ["*.example.test", "web.example.test"]);
    const { dnsNames } = specOf(only(resources, "kubernetes:cert-manager.io/v1:Certificate"));
    assert.deepEqual(dnsNames, ["web.example.test"]);
  });
});
