import assert from "node:assert/strict";
import { refuses as refusesConfig, mistakes, stack } from "../../support/stacks";

type Values = Record<string, unknown>;

const service = (more: Values) => ({ name: "web", namespace: "apps", ...more });
const OPEN = { trafficPolicy: { tls: { mode: "DISABLE" } } };

/** The only mistake of a service with one backend. */
function refuses(backend: Values, key: string, reason: RegExp, more: Values = OPEN): void {
  refusesConfig({ services: [service({ backends: [backend], ...more })] }, `services[0].${key}`, reason);
}

describe("config/external", () => {
  it("takes hosts and addresses beside Services", () => {
    const backends = [
      { service: "web" },
      { host: "api.example.com", port: 443, weight: 3 },
      { address: "2001:db8::1", port: 80 },
    ];
    const [first] = stack({ services: [service({ backends, ...OPEN })] }).services;
    assert.deepEqual(first?.rules[0]?.backends, [
      { service: "web", namespace: "apps", port: 80, weight: 1 },
      { host: "api.example.com", address: undefined, port: 443, weight: 3 },
      { host: "ip-2001-db8--1.external.internal", address: "2001:db8::1", port: 80, weight: 1 },
    ]);
  });

  const NAMES: readonly (readonly [host: string, reason: RegExp])[] = [
    ["api.example.com.", /expected the same name without the dot at the end$/],
    ["10.1.2.3", /expected the key address: 10\.1\.2\.3 is an IP address$/],
    ["fd00::1", /expected the key address/],
    ["web.shop.svc.cluster.local", /expected service: web and namespace: shop in place of host/],
    ["web.shop.svc", /expected service: web and namespace: shop in place of host/],
    ["a.b.c.cluster.local", /expected the key service/],
    ["localhost", /the proxy itself/],
    ["x.localhost", /the proxy itself/],
    ["metadata.google.internal", /its cloud's credentials/],
    ["API.example.com", /a lower-case host name/],
    ["https://api.example.com", /a lower-case host name/],
    ["*.example.com", /a lower-case host name/],
    ["web", /a lower-case host name/],
  ];
  for (const [host, reason] of NAMES) {
    it(`refuses the host ${host}`, () => refuses({ host, port: 443 }, "backends[0].host", reason));
  }

  for (const address of ["127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "::1", "fe80::1", "::ffff:10.0.0.1"]) {
    it(`refuses the address ${address}`, () =>
      refuses({ address, port: 80 }, "backends[0].address", /an address of another machine/));
  }

  it("refuses what says too little or too much", () => {
    refuses({ address: "nobody", port: 80 }, "backends[0].address", /an IP address/);
    refuses({ port: 80 }, "backends[0].service", /one of service, host, address/);
    refuses({ service: "a", host: "a.test", port: 80 }, "backends[0].host", /one of service, host, address/);
    refuses({ host: "a.test" }, "backends[0].port", /the number of a port with host, such as 443/);
    refuses({ address: "10.1.2.3", port: "web" }, "backends[0].port", /the number of a port with address/);
    refuses({ host: "a.test", port: 80, namespace: "apps" }, "backends[0].namespace", /no namespace with host/);
    const twice = { host: "a.test", port: 443 };
    assert.match(
      mistakes({ services: [service({ backends: [twice, twice] })] }).join("\n"),
      /^istio-gateway:services\[0\]\.backends\[1\]\.host: .*weights between equal backends/,
    );
  });

  it("refuses plain text that nobody asked for, and certificates of the mesh", () => {
    refuses(
      { address: "10.1.2.3", port: 80 },
      "trafficPolicy.tls",
      /mode: SIMPLE with sni, .* or mode: DISABLE for plain text to 10/,
      {},
    );
    const mutual = { trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } };
    refuses({ host: "a.test", port: 443 }, "trafficPolicy.tls.mode", /has no certificate of the mesh/, mutual);
    refuses({ host: "a.test", port: 80 }, "backends[0].host", /would leave the cluster in plain text/, {
      protocol: "tls-terminate",
    });
  });

  it("refuses circles, two protocols of a host, and two policies of it", () => {
    refuses({ host: "web.example.test", port: 443 }, "backends[0].host", /requests would go in a circle/);
    const backends = [{ host: "a.test", port: 443 }];
    const both = (more: Values) =>
      mistakes({ services: [service({ backends }), service({ name: "two", backends, ...more })] });
    assert.match(
      both({ protocol: "grpc" }).join("\n"),
      /^istio-gateway:services\[1\]\.backends\[0\]\.host: .*services\[0\] does not reach by http/,
    );
    assert.match(both(OPEN).join("\n"), /^istio-gateway:services\[1\]\.trafficPolicy: .*since both send to a\.test$/);
    assert.deepEqual(both({}), []);
  });
});
