import assert from "node:assert/strict";
import { fieldUses, prunedFields } from "../../../config/resolve/fieldUses";
import { refuses as refusesConfig, mistakes, plain, stack } from "../../support/stacks";

const WEB = { name: "web", namespace: "apps" };
const stream = (more: object) => ({ name: "sql", namespace: "db", port: 5432, ...more });
const tcp = (more: object = {}) => stream({ protocol: "tcp", listenPort: 5432, ...more });
const passed = (more: object = {}) => stream({ protocol: "tls-passthrough", ...more });
const ended = (more: object = {}) => stream({ protocol: "tls-terminate", ...more });

/** A stack with exactly one mistake, at a path, with a message. */
function refuses(service: object, path: string, reason: RegExp, more: Record<string, unknown> = {}): void {
  refusesConfig({ services: [WEB, service], ...more }, path, reason);
}

describe("config/streams", () => {
  it("have listeners by server name or by port, and certificates only where TLS is ended", () => {
    const services = [
      WEB,
      tcp(),
      { ...passed({ hosts: ["vault.elsewhere.test", "*.tunnel.test"] }), name: "vault" },
      { ...ended({ listenPort: 6443 }), name: "api" },
    ];
    const { streams, services: served, certificates } = stack({ services });
    assert.deepEqual(
      served.map(({ name }) => name),
      ["web"],
    );
    const secretNames = ["unified-gateway--wildcard-example-test-tls"];
    assert.deepEqual(
      plain(streams.map(({ name, listenPort, listeners }) => [name, listenPort, listeners])),
      plain([
        ["sql", 5432, [{ name: "tcp-5432", secretNames: [] }]],
        [
          "vault",
          443,
          [
            { name: "host-vault-elsewhere-test", hostname: "vault.elsewhere.test", secretNames: [] },
            { name: "wildcard-tunnel-test", hostname: "*.tunnel.test", secretNames: [] },
          ],
        ],
        ["api", 6443, [{ name: "host-api-example-test---6443", hostname: "api.example.test", secretNames }]],
      ]),
    );
    assert.equal(certificates.length, 1);
  });

  it("refuses what says something about requests, and an access that is no address list", () => {
    for (const [key, value] of Object.entries({
      paths: ["/a"],
      timeouts: { request: "1s" },
      cors: { allowOrigins: ["*"] },
      rewrite: { path: "/" },
      rateLimit: { type: "local", requests: 1, per: "second" },
      trafficPolicy: { connections: { maxConnections: 1 } },
    })) {
      refuses(tcp({ [key]: value }), `services[1].${key}`, /the gateway reads no requests there/);
    }
    refuses(tcp({ paths: [{ path: "/", limits: false }] }), "services[1].paths", /reads no requests/);
    refuses(tcp({ limits: { maxRequestSize: "1Mi" } }), "services[1].limits.maxRequestSize", /reads no requests/);
    const external = { externalAuthorization: { provider: "p" } };
    refuses(tcp({ access: external }), "services[1].access.externalAuthorization", /only its address is known/);
    const direct = { gateway: { clientAddress: { trustedProxies: 0 } } };
    assert.deepEqual(mistakes({ services: [WEB, tcp({ access: { allow: ["10.0.0.0/8"] } })], ...direct }), []);
    const proxies = { gateway: { clientAddress: { trustedProxies: 1, proxyAddresses: ["10.9.0.0/16"] } } };
    refuses(tcp({ access: { allow: ["10.0.0.0/8"] } }), "services[1].access", /proxyProtocol: proxies tell/, proxies);
    refuses(tcp(), "services[1].access", /access rules, since/, {
      defaults: { denyByDefault: true, access: undefined },
      services: [{ ...WEB, access: { public: true } }, tcp()],
    });
  });

  it("refuses names for TCP, and for TLS what its kind has not", () => {
    refuses(tcp({ host: "sql.example.test" }), "services[1].host", /tls-terminate ends TLS at the gateway/);
    refuses(tcp({ listenPort: undefined }), "services[1].listenPort", /a port of the gateway for it alone/);
    const certificate = { type: "existing", secretName: "own" };
    refuses(passed({ certificate }), "services[1].certificate", /its backend ends TLS/);
    refuses(ended({ host: "sql.elsewhere.test" }), "services[1].host", /exactly one label below example\.test/);
    const hosts = ["a.example.test", { host: "b.example.test", redirect: 301 }];
    refuses(passed({ hosts }), "services[1].hosts[1].redirect", /only requests are redirected/);
    refuses(
      { ...WEB, name: "api", limits: { maxConnections: 1 } },
      "services[1].limits.maxConnections",
      /not allowed with http/,
    );
    refuses(stream({ protocol: "udp" }), "services[1].protocol", /Istio's gateways forward no UDP/);
  });

  it("refuses a port or a server name that is taken, or that Istio needs", () => {
    refuses(tcp({ listenPort: 443 }), "services[1].listenPort", /a port other than 80 and 443/);
    refuses(passed({ listenPort: 80 }), "services[1].listenPort", /a port other than 80,/);
    refuses(tcp({ listenPort: 15_021 }), "services[1].listenPort", /health checks/);
    const both = { services: [WEB, tcp(), { ...tcp(), name: "other" }] };
    refuses({}, "services[2].listenPort", /services\[1\] does not have: tcp takes all of it/, both);
    const mixed = { services: [WEB, passed({ listenPort: 6443 }), { ...tcp({ listenPort: 6443 }), name: "other" }] };
    refuses({}, "services[2].listenPort", /services\[1\] does not have/, mixed);
    refuses(passed({ host: "web.example.test" }), "services[1].host", /services\[0\] does not have on port 443/);
    const twice = { services: [WEB, passed(), { ...ended(), name: "other", host: "sql.example.test" }] };
    refuses({}, "services[2].host", /services\[1\] does not have on port 443/, twice);
    refuses({ ...tcp(), name: "web" }, "services[1].name", /other than that of services\[0\]/);
  });

  it("needs the routes' CRDs", () => {
    const services = [tcp(), { ...passed(), name: "vault" }].map((service, index) => ({ index, service }));
    const uses = fieldUses({ services, defaults: stack().services as never } as never);
    const missing = (channel: "standard" | "experimental", version: string) =>
      prunedFields(uses, { channel, version }).map(({ path }) => path);
    assert.deepEqual(missing("standard", "v1.6.0"), []);
    assert.deepEqual(missing("standard", "v1.5.1"), ["services[0].protocol"]);
    assert.deepEqual(missing("experimental", "v1.4.1"), ["services[1].protocol"]);
  });
});
