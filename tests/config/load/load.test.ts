import assert from "node:assert/strict";
import { loadConfig } from "../../../config/load/load";
import { ConfigError } from "../../../config/values/problem";
import { mistakes, MINIMAL, plain, stack } from "../../support/stacks";

describe("config/load", () => {
  it("fills in every default", () => {
    const config = stack();
    assert.deepEqual(plain(config.services), [
      {
        name: "web",
        host: "web.example.test",
        hosts: [{ host: "web.example.test", listener: "https" }],
        listenPort: 443,
        namespace: "apps",
        protocol: "http",
        rules: [
          {
            name: "web--root",
            path: "/",
            telemetry: {},
            type: "PathPrefix",
            backends: [{ service: "web", namespace: "apps", port: 80, weight: 1 }],
            timeouts: { backendRequest: "1m", request: "0s" },
          },
        ],
        telemetry: {},
        trafficPolicy: {},
        versions: [],
      },
    ]);
    const secretName = "unified-gateway--wildcard-example-test-tls";
    assert.deepEqual(config.certificates, [
      {
        key: "",
        config: {
          type: "self-signed",
          secretName,
          keyAlgorithm: "rsa-2048",
          names: "wildcard",
          validity: "2160h",
          renewBefore: "720h",
        },
        dnsNames: ["*.example.test", "example.test"],
      },
    ]);
    assert.deepEqual(plain(config.listeners), [
      { name: "https", hostname: "*.example.test", port: 443, secretNames: [secretName], namespaces: ["apps"] },
    ]);
    assert.equal(config.gateway.namespace, "istio-system");
    assert.equal(config.gateway.allowedRoutes, "Selector");
    assert.equal(config.gateway.programmedTimeout, "2m");
    assert.equal(config.protect, false);
  });

  it("does not wait if it renders", () => {
    assert.equal(stack({ kubernetes: { renderDirectory: "rendered" } }).gateway.programmedTimeout, "0s");
  });

  it("uses the nearest of several defaults", () => {
    const [service] = stack({
      defaults: { timeouts: { request: "10s" } },
      services: [
        {
          name: "web",
          namespace: "apps",
          port: 8080,
          timeouts: { request: "20s" },
          paths: [
            "/a",
            {
              path: "/b",
              port: 9090,
              timeouts: { request: "0s" },
              backends: [{ service: "other", namespace: "else", port: 1 }],
            },
          ],
        },
      ],
    }).services;
    assert.deepEqual(
      service?.rules.map(({ name, timeouts, backends }) => [name, timeouts.request, backends[0]]),
      [
        ["web--a", "20s", { service: "web", namespace: "apps", port: 8080, weight: 1 }],
        ["web--b", "0s", { service: "other", namespace: "else", port: 1, weight: 1 }],
      ],
    );
  });

  it("orders rules as Envoy tries them", () => {
    const [service] = stack({
      services: [
        {
          name: "web",
          namespace: "apps",
          paths: [
            { path: "/.*", type: "RegularExpression", name: "rest" },
            "/api",
            "/api/v1",
            { path: "/api/v1/health", type: "Exact" },
          ],
        },
      ],
    }).services;
    assert.deepEqual(
      service?.rules.map(({ path }) => path),
      ["/api/v1/health", "/api/v1", "/api", "/.*"],
    );
  });

  it("lists every mistake in one error, with its key path, its value and what is expected", () => {
    const values = {
      domain: "Example",
      gatway: {},
      protect: "yes",
      gateway: { minProtocolVersion: "TLSV1_2", address: "10.0.0.300" },
      certificate: { type: "letsencrypt" },
      services: [
        { name: "web", namespace: "apps", port: 70000 },
        { name: "api", namespace: "apps", backends: [{ service: "a", weight: 0 }] },
      ],
    };
    assert.throws(
      () => loadConfig({ project: "istio-gateway", folder: ".", values, secretKeys: new Set() }),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError);
        const [head, ...lines] = error.message.split("\n");
        assert.equal(head, "stack config has 8 mistakes, nothing was changed:");
        assert.deepEqual(
          lines.map((line) => line.trim().split(", expected")[0]),
          [
            'istio-gateway:domain: "Example"',
            'istio-gateway:gateway.address: "10.0.0.300"',
            'istio-gateway:gateway.minProtocolVersion: "TLSV1_2"',
            'istio-gateway:certificate.type: "letsencrypt"',
            "istio-gateway:services[0].port (web): 70000",
            "istio-gateway:services[1].backends (api): [0]",
            'istio-gateway:protect: "yes"',
            "istio-gateway:gatway: {}",
          ],
        );
        return true;
      },
    );
  });

  it("names the service of a mistake, unless its name is one, or could be secret", () => {
    const port = 70000;
    const services = [
      { name: "web", namespace: "apps" },
      { name: "api", namespace: "apps", port },
      { name: "A b", namespace: "apps", port },
      { namespace: "apps", port },
      "odd",
    ];
    const named = (secretPaths: (string | number)[][]) => {
      const values = { domain: "example.test", services };
      const secretKeys = new Set(secretPaths.map(([key]) => String(key)));
      try {
        loadConfig({ project: "istio-gateway", folder: ".", values, secretKeys, secretPaths });
      } catch (error) {
        assert.ok(error instanceof ConfigError);
        return error.message.match(/(?<=\n {2}istio-gateway:)services\S+( \(.*\))?(?=: )/g);
      }
      return undefined;
    };
    const others = ["services[2].name", "services[2].port", "services[3].name", "services[3].port", "services[4]"];
    assert.deepEqual(named([]), ["services[1].port (api)", ...others]);
    // Its key is refused; what it holds is in no message.
    assert.deepEqual(named([["services", 1, "name"]]), ["services[1].port", "services[1].name", ...others]);
  });

  it("reports a missing key", () => {
    assert.deepEqual(mistakes({ domain: undefined }), [
      "istio-gateway:domain: not set, expected a domain such as example.com, or a list in domains",
    ]);
    assert.deepEqual(mistakes({ services: undefined }), [
      "istio-gateway:services: not set, expected a list of services",
    ]);
    assert.deepEqual(mistakes({ services: [] }), [
      "istio-gateway:services: [], expected at least one service, here or in one of serviceFiles",
    ]);
    assert.deepEqual(mistakes({ services: [{ name: "web" }] }), [
      "istio-gateway:services[0].namespace: not set, expected a DNS label",
    ]);
  });

  it("suggests the key that was meant", () => {
    assert.deepEqual(mistakes({ services: [{ name: "web", namespace: "apps", prot: 1 }] }), [
      "istio-gateway:services[0].prot: 1, expected the key port: there is no prot",
    ]);
    assert.deepEqual(mistakes({ gateway: { tls: { cipherSuite: [] } } }), [
      "istio-gateway:gateway.tls.cipherSuite: [], expected the key cipherSuites: there is no cipherSuite",
    ]);
  });

  it("shows no secret", () => {
    const [line = ""] = mistakes({ kubernetes: { kubeconfig: { token: "hunter2" } } });
    assert.match(line, /kubernetes\.kubeconfig: \[hidden\]/);
    const [marked = ""] = mistakes({ gateway: { address: "hunter2!" } }, ["gateway"]);
    assert.match(marked, /gateway: \[hidden\], expected no Pulumi secret/);
    const [pem = ""] = mistakes({ certificate: "-----BEGIN PRIVATE KEY-----" });
    assert.match(pem, /certificate: \[hidden\]/);
  });

  it("accepts valid values", () => {
    assert.deepEqual(mistakes(MINIMAL), []);
  });
});

describe("config/load, keys that every JavaScript object has", () => {
  it("are unknown keys, and ordinary names", () => {
    const [line] = mistakes({ gateway: { constructor: 1 } });
    assert.match(line ?? "", /^istio-gateway:gateway\.constructor: 1, expected one of the keys name, /);
    const versions = { selector: { app: "web" }, label: "constructor" };
    assert.ok(stack({ services: [{ name: "web", namespace: "apps", canary: { versions, percent: 1 } }] }));
  });
});

describe("config/load, names of other things", () => {
  it("refuses a gateway whose Service could not be named after it", () => {
    assert.match(mistakes({ gateway: { name: "9-gateway" } })[0] ?? "", /gateway\.name: .*starts with a letter/);
  });

  it("refuses hosts that are too long for a name", () => {
    const domain = ["a", "b", "c", "d"].map((letter) => letter.repeat(60)).join(".");
    const services = [{ name: "a-long-name", namespace: "apps" }];
    assert.match(mistakes({ domain, services })[0] ?? "", /services\[0\]\.host: .*at most 253 characters/);
    assert.match(mistakes({ domain: `${domain}.eeeeeeee` })[0] ?? "", /domain: .*at most 251 characters/);
  });
});

describe("config/load, host names", () => {
  it("refuses an IP address", () => {
    for (const domain of ["192.168.51.100", "10.1", "a.1", "::1"]) {
      assert.deepEqual(mistakes({ domain }), [
        `istio-gateway:domain: ${JSON.stringify(domain)}, expected a host name, not an IP address`,
      ]);
    }
    const service = { name: "a", namespace: "b", host: "10.0.0.1", rewrite: { hostname: "10.0.0.2" } };
    const found = mistakes({ services: [service] });
    assert.match(found[0] ?? "", /services\[0\]\.host: "10\.0\.0\.1", expected a host name, not an IP address/);
    assert.match(found[1] ?? "", /services\[0\]\.rewrite\.hostname: .*not an IP address/);
    assert.ok(stack({ gateway: { address: "10.0.0.1" } }));
    assert.ok(stack({ domain: "1.2.a3" }));
  });

  it("names the form in DNS of a name in Unicode", () => {
    assert.deepEqual(mistakes({ domain: "münchen.example" }), [
      'istio-gateway:domain: "münchen.example", expected xn--mnchen-3ya.example, its form in DNS',
    ]);
    const services = [{ name: "a", namespace: "b", host: "日本.example.test" }];
    assert.match(mistakes({ services })[0] ?? "", /expected xn--wgv71a\.example\.test, its form in DNS$/);
    assert.match(mistakes({ domain: "a b.\u0000é" })[0] ?? "", /expected a lower-case host name such as/);
  });
});
