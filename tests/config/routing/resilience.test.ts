import assert from "node:assert/strict";
import { longestPauses } from "../../../config/schema/routing/retry";
import { testAuthority } from "../../support/certificates";
import { refuses, mistakes, plain, stack } from "../../support/stacks";

const service = (more: Record<string, unknown>) => ({ services: [{ name: "web", namespace: "apps", ...more }] });

describe("config/retry", () => {
  it("inherits timeouts key by key, and the retry as a whole: from the path, the service, the defaults", () => {
    const { services } = stack({
      defaults: { timeouts: { backendRequest: "1s" }, retry: { attempts: 1 } },
      ...service({
        timeouts: { request: "10s" },
        paths: ["/", { path: "/a", timeouts: { backendRequest: "2s" }, retry: { attempts: 3, codes: [503] } }],
      }),
    });
    assert.deepEqual(plain(services[0]?.rules.map(({ timeouts, retry }) => ({ timeouts, retry }))), [
      { timeouts: { request: "10s", backendRequest: "2s" }, retry: { attempts: 3, codes: [503] } },
      { timeouts: { request: "10s", backendRequest: "1s" }, retry: { attempts: 1 } },
    ]);
  });

  it("knows the length of pauses: doubled each time, up to ten times the base", () => {
    assert.equal(longestPauses(0, 25), 0);
    assert.equal(longestPauses(3, 25), 25 + 50 + 100);
    assert.equal(longestPauses(6, 100), 100 + 200 + 400 + 800 + 1000 + 1000);
  });

  it("refuses attempts and codes out of range, duplicate codes, and settings without a retry", () => {
    const retry = (given: unknown) => service({ retry: given });
    for (const attempts of [-1, 0, 11, 1.5, "3", undefined]) {
      refuses(retry({ attempts }), "services[0].retry.attempts", /from 1 to 10/);
    }
    for (const code of [200, 399, 600, 499, 509, 599, "503"]) {
      refuses(retry({ attempts: 1, codes: [code] }), "services[0].retry.codes[0]", /from 400 to 599 that has a name/);
    }
    refuses(retry({ attempts: 1, codes: [503, 503] }), "services[0].retry.codes", /each status code once/);
    refuses(retry({ attempts: 1, codes: [] }), "services[0].retry.codes", /at least one/);
    refuses(retry({ attempts: 1, backoff: "0s" }), "services[0].retry.backoff", /above 0/);
    refuses(retry(true), "services[0].retry", /a map of keys, or false to turn it off$/);
  });

  it("refuses a try that may take longer than the request", () => {
    const timeouts = { request: "2s", backendRequest: "3s" };
    const expected = /at most timeouts\.request \(2s\)/;
    refuses(service({ timeouts, retry: { attempts: 1 } }), "services[0].timeouts.backendRequest", expected);
    const unlimited = { timeouts: { request: "0s", backendRequest: "3s" }, retry: { attempts: 1 } };
    assert.deepEqual(mistakes(service(unlimited)), []);
  });

  it("limits the time for an answer to begin, without a retry by default, and as far as it is asked for", () => {
    const timesOf = (more: Record<string, unknown>) => {
      const [rule] = stack(service(more)).services.flatMap(({ rules }) => rules);
      return plain(rule?.timeouts);
    };
    assert.deepEqual(timesOf({}), { request: "0s", backendRequest: "1m" });
    assert.deepEqual(timesOf({ retry: false }), { request: "0s", backendRequest: "1m" });
    assert.deepEqual(timesOf({ retry: { attempts: 1 } }), { request: "0s" });
    assert.deepEqual(timesOf({ timeouts: { backendRequest: "0s" } }), { request: "0s", backendRequest: "0s" });
    assert.deepEqual(timesOf({ timeouts: { backendRequest: "5s" } }), { request: "0s", backendRequest: "5s" });
  });

  it("refuses tries and pauses that do not fit into the request timeout, and says how many do", () => {
    const with_ = (attempts: number, backendRequest: string, backoff?: string) =>
      service({ timeouts: { request: "3s", backendRequest }, retry: { attempts, backoff } });
    refuses(
      with_(3, "1s"),
      "services[0].retry.attempts",
      /at most 1: 4 tries of 1s and pauses of up to 175 ms .*\(3s\)/,
    );
    refuses(with_(1, "2s"), "services[0].retry.attempts", /a longer timeout: 2 tries of 2s/);
    refuses(with_(2, "900ms", "500ms"), "services[0].retry.attempts", /at most 1: .* up to 1500 ms/);
    assert.deepEqual(mistakes(with_(3, "700ms")), []);
    const pauses = service({ timeouts: { request: "1s" }, retry: { attempts: 5, backoff: "100ms" } });
    refuses(pauses, "services[0].retry.attempts", /at most 3: pauses of up to 2500 ms/);
  });
});

describe("config/cors", () => {
  const cors = (more: Record<string, unknown>) => service({ cors: { allowOrigins: ["https://a.test"], ...more } });

  it("refuses origins that no browser sends", () => {
    for (const origin of [
      "a.test",
      "https://a.test/",
      "https://A.test",
      "HTTP://a.test",
      "https://a.test:443",
      "null",
      "",
    ]) {
      refuses(cors({ allowOrigins: [origin] }), "services[0].cors.allowOrigins[0]", /an origin as browsers send it/);
    }
    assert.deepEqual(mistakes(cors({ allowOrigins: ["http://localhost:3000", "https://*.a.test"] })), []);
  });

  it("refuses empty lists, duplicates, and * together with others", () => {
    refuses(service({ cors: {} }), "services[0].cors.allowOrigins", /a list of origins/);
    refuses(cors({ allowOrigins: [] }), "services[0].cors.allowOrigins", /at least one/);
    refuses(cors({ allowHeaders: ["x-a", "X-A"] }), "services[0].cors.allowHeaders", /each entry once/);
    refuses(cors({ allowMethods: ["*", "PUT"] }), "services[0].cors.allowMethods", /\* alone/);
    refuses(cors({ allowMethods: ["put"] }), "services[0].cors.allowMethods[0]", /one of GET/);
    refuses(cors({ exposeHeaders: ["a b"] }), "services[0].cors.exposeHeaders[0]", /a header name/);
    refuses(cors({ maxAge: 0 }), "services[0].cors.maxAge", /from 1s to 1d in whole seconds/);
    refuses(cors({ maxAge: "1500ms" }), "services[0].cors.maxAge", /in whole seconds/);
  });

  it("refuses credentials for every origin", () => {
    const all = (more: Record<string, unknown>) => cors({ allowCredentials: true, ...more });
    refuses(all({ allowOrigins: ["*"] }), "services[0].cors.allowOrigins", /every site could act as the user/);
    refuses(all({ allowOrigins: ["https://*"] }), "services[0].cors.allowOrigins", /every site could act as the user/);
    for (const key of ["allowMethods", "allowHeaders", "exposeHeaders"]) {
      refuses(all({ [key]: ["*"] }), `services[0].cors.${key}`, /browsers do not read \* as a wildcard/);
    }
    assert.deepEqual(mistakes(all({ allowOrigins: ["https://*.a.test"] })), []);
  });

  it("refuses a path that no preflight reaches", () => {
    const allow = { allowOrigins: ["https://a.test"] };
    const post = { path: "/a", name: "post", match: { method: "POST" } };
    refuses(service({ cors: allow, paths: ["/", post] }), "services[0].paths[1].match", /cors also on \/a/);
    assert.deepEqual(mistakes(service({ cors: allow, paths: ["/a", post] })), []);
  });
});

describe("config/gatewayApi", () => {
  const retry = { attempts: 1 };
  const allow = { allowOrigins: ["https://a.test"] };
  const rendering = (channel: string, version: string) => ({
    kubernetes: { renderDirectory: "/tmp/yaml", gatewayApi: { channel, version } },
  });

  it("lists what depends on the cluster's CRDs, once, where it was set", () => {
    const { fieldUses } = stack({
      defaults: { retry },
      services: [
        { name: "a", namespace: "apps", cors: allow, paths: ["/", "/a"] },
        { name: "b", namespace: "apps", retry: false },
      ],
    });
    assert.deepEqual(
      fieldUses.map(({ path, field }) => [path, field]),
      [
        ["defaults.retry", "retry"],
        ["services[0].cors", "cors"],
      ],
    );
    assert.deepEqual(stack().fieldUses, []);
  });

  it("requires channel and version only if YAML with such fields is rendered", () => {
    const kubernetes = { renderDirectory: "/tmp/yaml" };
    refuses({ kubernetes, ...service({ retry }) }, "kubernetes.gatewayApi", /not set, .*support services\[0\]\.retry/);
    assert.deepEqual(mistakes({ kubernetes }), []);
    const gatewayApi = { channel: "standard", version: "v1.6.0" };
    refuses({ kubernetes: { gatewayApi } }, "kubernetes.gatewayApi", /without kubernetes\.renderDirectory/);
    refuses(rendering("beta", "v1.6.0"), "kubernetes.gatewayApi.channel", /standard or experimental/);
    refuses(rendering("standard", "1.6"), "kubernetes.gatewayApi.version", /such as v1\.6\.0/);
  });

  it("requires CRDs with client certificates, since others leave a running listener open", async () => {
    const { certificatePem: caCertificate } = await testAuthority(365);
    const gateway = { tls: { clientCertificates: { caCertificate } } };
    assert.deepEqual(
      stack({ gateway }).fieldUses.map(({ path, field }) => [path, field]),
      [["gateway.tls.clientCertificates", "clientCertificates"]],
    );
    for (const channel of ["standard", "experimental"]) {
      assert.deepEqual(mistakes({ gateway, ...rendering(channel, "v1.5.0") }), []);
      refuses({ gateway, ...rendering(channel, "v1.4.1") }, "gateway.tls.clientCertificates", /tls\.frontend: .*v1\.5/);
    }
  });

  it("requires CRDs with the redirects that keep the method, which others refuse", () => {
    const uses = (statusCode: number) => stack({ gateway: { httpsRedirect: { statusCode } } }).fieldUses;
    assert.deepEqual([uses(301), uses(302)], [[], []]);
    const path = "gateway.httpsRedirect.statusCode";
    for (const statusCode of [307, 308]) {
      assert.deepEqual(uses(statusCode), [{ path, owner: undefined, value: statusCode, field: "redirectCodes" }]);
      const gateway = { httpsRedirect: { statusCode } };
      assert.deepEqual(mistakes({ gateway, ...rendering("standard", "v1.5.0") }), []);
      refuses({ gateway, ...rendering("standard", "v1.4.1") }, path, /307 and 308: .*v1\.5.* would refuse it$/);
    }
    refuses({ gateway: { httpsRedirect: { statusCode: 303 } } }, path, /one of 301, 302, 307, 308/);
  });

  for (const [channel, version, hasRetry, hasCors] of [
    ["experimental", "v1.6.0", true, true],
    ["experimental", "v1.2.1", true, false],
    ["experimental", "v1.1.0", false, false],
    ["standard", "v1.6.0", false, true],
    ["standard", "v1.5.0-rc.1", false, true],
    ["standard", "v1.4.1", false, false],
  ] as const) {
    it(`knows that ${channel} ${version} has ${hasRetry ? "" : "no "}retry and ${hasCors ? "" : "no "}CORS filter`, () => {
      const lines = mistakes({ ...rendering(channel, version), ...service({ retry, cors: allow }) });
      const refused = (field: string) => lines.some((line) => line.startsWith(`istio-gateway:services[0].${field}: `));
      assert.deepEqual([!refused("retry"), !refused("cors")], [hasRetry, hasCors]);
      assert.ok(lines.every((line) => line.includes(`those of the cluster are ${channel} ${version}`)));
    });
  }
});

describe("config/loadBalancing", () => {
  const refusesPolicy = (policy: Record<string, unknown>, path: string, reason: RegExp) =>
    refuses(service({ trafficPolicy: policy }), `services[0].trafficPolicy${path}`, reason);

  it("refuses unknown policies and keys, and invalid combinations", () => {
    const lb = (loadBalancing: unknown) => ({ loadBalancing });
    refusesPolicy(lb({ type: "FASTEST" }), ".loadBalancing.type", /one of LEAST_REQUEST, .*CONSISTENT_HASH/);
    refusesPolicy(lb({ type: "CONSISTENT_HASH" }), ".loadBalancing.key", /one of header, cookie/);
    const hash = (key: unknown) => lb({ type: "CONSISTENT_HASH", key });
    refusesPolicy(hash({ type: "query" }), ".loadBalancing.key.type", /one of header, cookie, source-address/);
    refusesPolicy(hash({ type: "header", name: "a b" }), ".loadBalancing.key.name", /header name/);
    refusesPolicy(hash({ type: "cookie", name: "c", ttl: "1w" }), ".loadBalancing.key.ttl", /a duration/);
    const warm = { type: "CONSISTENT_HASH", key: { type: "source-address" }, warmup: "10s" };
    refusesPolicy(lb(warm), ".loadBalancing.warmup", /the keys type, key/);
    refusesPolicy(lb({ type: "RANDOM", warmup: "10s" }), ".loadBalancing", /no warmup with RANDOM/);
  });

  it("refuses a budget together with a number, and invalid percentages", () => {
    refusesPolicy({ retryBudget: {}, connections: { maxRetries: 1 } }, "", /either connections\.maxRetries or/);
    refusesPolicy({ retryBudget: { percent: 0 } }, ".retryBudget.percent", /from 1 to 100/);
    refusesPolicy({ retryBudget: { minRetryConcurrency: 0 } }, ".retryBudget.minRetryConcurrency", /from 1 to/);
  });
});
