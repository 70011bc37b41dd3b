import assert from "node:assert/strict";
import { mistakes, stack } from "../../support/stacks";

const plain = (more: object = {}) => ({ name: "web", namespace: "apps", plainHttp: true, ...more });
const CA = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";

/** A stack whose first service has plainHttp, with a message among its mistakes. */
function refuses(service: object, reason: RegExp, more: Record<string, unknown> = {}): void {
  const lines = mistakes({ services: [plain(service)], ...more });
  const own = lines.filter((line) => line.startsWith("istio-gateway:services[0].plainHttp: "));
  assert.equal(own.length, 1, lines.join("\n"));
  assert.match(own[0] ?? "", reason);
}

describe("config/plainHttp", () => {
  it("gives each host that serves a listener of its own on port 80", () => {
    const hosts = ["a.example.test", "example.test", { host: "b.example.test", redirect: 301 }];
    const { plainListeners, services } = stack({ services: [plain({ hosts }), { name: "api", namespace: "apps" }] });
    assert.deepEqual(plainListeners, [
      { name: "host-a-example-test---80", hostname: "a.example.test", namespaces: ["apps"] },
      { name: "host-example-test---80", hostname: "example.test", namespaces: ["apps"] },
    ]);
    assert.deepEqual(
      services.map((service) => service.hosts.map(({ plainListener }) => plainListener)),
      [["host-a-example-test---80", "host-example-test---80", undefined], [undefined]],
    );
  });

  it("refuses what only TLS protects, or what would be open without it", () => {
    refuses({ hsts: { maxAge: "1h" } }, /hsts: false with it/);
    refuses({}, /hsts: false with it/, { gateway: { hsts: { maxAge: "1h" } } });
    assert.deepEqual(mistakes({ services: [plain({ hsts: false })], gateway: { hsts: { maxAge: "1h" } } }), []);
    refuses({ access: { externalAuthorization: { provider: "p" } } }, /no access\.externalAuthorization with it/);
    refuses({ clientCertificates: { caCertificate: CA } }, /let everybody in without one/);
    refuses({}, /let everybody in without one/, { gateway: { tls: { clientCertificates: { caCertificate: CA } } } });
    const proxies = { gateway: { clientAddress: { trustedProxies: 1, proxyAddresses: ["10.0.0.0/8"] } } };
    refuses({}, /clients that bypass the proxies/, proxies);
  });

  it("refuses wildcards, another port, and a host that a service without it shares", () => {
    refuses({ host: "*.example.test" }, /would take the redirect from every host/);
    refuses({ listenPort: 8443 }, /plain HTTP is on port 80 alone/);
    const shared = [{ name: "api", namespace: "apps", host: "web.example.test", paths: ["/api"] }];
    assert.match(
      mistakes({ services: [plain(), ...shared] }).join(),
      /services\[1\]\.plainHttp: not set, expected the same plainHttp as services\[0\]/,
    );
    const tcp = plain({ protocol: "tcp", listenPort: 5432 });
    assert.match(mistakes({ services: [tcp] }).join(), /services\[0\]\.plainHttp: .*reads no requests there/);
  });
});
