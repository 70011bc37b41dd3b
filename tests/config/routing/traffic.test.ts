import assert from "node:assert/strict";
import { targetName } from "../../../config";
import { refuses as refusesConfig, mistakes, stack } from "../../support/stacks";

const service = (more: Record<string, unknown>) => ({ services: [{ name: "web", namespace: "apps", ...more }] });

/** Asserts that a service has exactly one mistake, at a path below it, with a message. */
function refuses(more: Record<string, unknown>, path: string, reason: RegExp): void {
  refusesConfig(service(more), `services[0].${path}`, reason);
}

const rules = (more: Record<string, unknown>) => stack(service(more)).services[0]?.rules ?? [];

describe("config/canary", () => {
  const canary = { service: "web-next", percent: 10, override: { headers: { "x-canary": "true" } } };

  it("gives the canary its share, and tries its overrides first", () => {
    const [first, second, ...more] = rules({ canary });
    assert.deepEqual(more, []);
    assert.equal(first?.name, "web--root-canary");
    assert.deepEqual(first.match?.headers, { "x-canary": "true" });
    assert.deepEqual(
      first.backends.map((backend) => [targetName(backend), backend.weight]),
      [["apps/web-next:80", 1]],
    );
    assert.equal(second?.name, "web--root");
    assert.deepEqual(
      second.backends.map((backend) => [targetName(backend), backend.weight]),
      [
        ["apps/web:80", 90],
        ["apps/web-next:80", 10],
      ],
    );
  });

  it("keeps the proportions of several stable backends", () => {
    const backends = [
      { service: "a", weight: 3 },
      { service: "b", weight: 1 },
    ];
    const [rule] = rules({ backends, canary: { service: "c", percent: 20 } });
    assert.deepEqual(
      rule?.backends.map(({ weight }) => weight),
      [60, 20, 20],
    );
  });

  it("leaves paths with their own backends alone", () => {
    const paths = ["/", { path: "/own", backends: [{ service: "own" }] }];
    assert.deepEqual(
      rules({ paths, canary }).map(({ name }) => name),
      ["web--own", "web--root-canary", "web--root"],
    );
  });

  it("refuses the stable version as its own canary", () => {
    refuses({ canary: { service: "web", percent: 10 } }, "canary.service", /one Service is one set of pods/);
  });

  it("refuses invalid percentages", () => {
    for (const percent of [-1, 101, 0.5]) {
      refuses({ canary: { service: "c", percent } }, "canary.percent", /from 0 to 100/);
    }
  });

  it("refuses a canary without requests, and more rules than a route can have", () => {
    const paths = [{ path: "/", backends: [{ service: "own" }] }];
    refuses({ paths, canary }, "canary", /gets no request/);
    const many = Array.from({ length: 9 }, (_, index) => `/p${index}`);
    refuses({ paths: many, canary }, "canary.override", /16 rules/);
  });
});

describe("config/canary, shares and overrides", () => {
  const weights = (backends: object[], percent: number) =>
    rules({ backends, canary: { service: "next", percent } })[0]?.backends.map(({ weight }) => weight);

  it("gives each backend its share, however small it is", () => {
    const three = ["a", "b", "c"].map((service) => ({ service }));
    assert.deepEqual(weights(three, 99), [1, 1, 1, 297]);
    assert.deepEqual(weights(three.slice(1), 99), [1, 1, 198]);
    assert.deepEqual(
      weights(
        [
          { service: "a", weight: 1 },
          { service: "b", weight: 999 },
        ],
        0,
      ),
      [1, 999, 0],
    );
    assert.deepEqual(
      weights(
        [
          { service: "a", weight: 1 },
          { service: "b", weight: 1_000_000 },
        ],
        99,
      ),
      [1, 10_101, 1_000_000],
    );
    assert.deepEqual(weights([{ service: "a", weight: 0 }, { service: "b" }], 100), [0, 0, 100]);
  });

  const canary = { service: "next", percent: 10, override: { headers: { "x-canary": "true" } } };

  it("refuses a path whose rule has an override's name, or matches the same requests", () => {
    refuses(
      { canary, paths: ["/api", "/api-canary"] },
      "paths[1].name",
      /"api-canary".*override on services\[0\]\.paths\[0\]/,
    );
    const match = { headers: { "X-Canary": "true" } };
    refuses(
      { canary, paths: ["/", { path: "/", name: "own", match, backends: [{ service: "b" }] }] },
      "paths[1].match",
      /no request/,
    );
  });

  it("uses the override's condition if the path has one on the same header, in any case", () => {
    const [rule] = rules({ canary, paths: [{ path: "/", match: { headers: { "X-Canary": "false", "x-a": "1" } } }] });
    assert.deepEqual(rule?.match?.headers, { "x-a": "1", "x-canary": "true" });
  });

  it("refuses more conditions and more backends than a rule can have", () => {
    const headers = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`x-${index}`, "1"]));
    refuses({ canary, paths: [{ path: "/", match: { headers } }] }, "paths[0].match.headers", /at most 16 together/);
    const backends = Array.from({ length: 16 }, (_, index) => ({ service: `b${index}` }));
    refuses(
      { canary: { service: "next", percent: 1 }, backends },
      "backends",
      /at most 15 backends besides the canary/,
    );
  });
});

describe("config/match", () => {
  const match = (given: unknown) => ({ paths: [{ path: "/", match: given }] });

  it("tries more specific matches first", () => {
    const paths = [
      "/",
      { path: "/", name: "one", match: { headers: { a: "1" } } },
      { path: "/", name: "two", match: { headers: { a: "1", b: "2" } } },
      { path: "/", name: "get", match: { method: "GET" } },
      { path: "/", name: "query", match: { query: { q: { regex: "[0-9]+" } } } },
    ];
    assert.deepEqual(
      rules({ paths }).map(({ name }) => name),
      ["web--get", "web--two", "web--one", "web--query", "web--root"],
    );
  });

  it("refuses invalid names, Host, and duplicates", () => {
    refuses(match({ headers: { "a b": "1" } }), "paths[0].match.headers.a b", /header name/);
    refuses(match({ headers: { Host: "x" } }), "paths[0].match.headers.Host", /other than Host/);
    refuses(match({ headers: { a: "1", A: "2" } }), "paths[0].match", /are case-insensitive/);
  });

  it("refuses an empty match, and invalid values", () => {
    refuses(match({}), "paths[0].match", /at least one of headers, query, method/);
    refuses(match({ method: "get" }), "paths[0].match.method", /one of GET/);
    refuses(match({ headers: { a: { regex: "(?=x)" } } }), "paths[0].match.headers.a.regex", /RE2/);
    refuses(match({ headers: { a: 1 } }), "paths[0].match.headers.a", /value of the header/);
  });

  it("refuses the same path with the same match twice", () => {
    const paths = [
      { path: "/", name: "a", match: { headers: { "x-a": "1", "x-b": "2" } } },
      { path: "/", name: "b", match: { headers: { "X-B": "2", "X-A": "1" } } },
    ];
    refuses({ paths }, "paths[1].path", /does not claim/);
  });
});

describe("config/trafficPolicy", () => {
  it("uses each part from the service, or else from the defaults", () => {
    const connections = { maxConnections: 1 };
    const outlierDetection = { consecutive5xxErrors: 3 };
    const config = stack({
      defaults: { trafficPolicy: { connections: { maxConnections: 9 }, outlierDetection } },
      ...service({ trafficPolicy: { connections } }),
    });
    assert.deepEqual(config.services[0]?.trafficPolicy, {
      connections,
      outlierDetection: { consecutive5xxErrors: 3, interval: "10s", baseEjectionTime: "30s", maxEjectionPercent: 10 },
    });
  });

  it("refuses zeros, which Envoy reads as no limit", () => {
    refuses(
      { trafficPolicy: { connections: { maxConnections: 0 } } },
      "trafficPolicy.connections.maxConnections",
      /from 1 to/,
    );
    refuses(
      { trafficPolicy: { outlierDetection: { interval: "0s" } } },
      "trafficPolicy.outlierDetection.interval",
      /above 0/,
    );
    refuses(
      { trafficPolicy: { loadBalancing: { type: "RANDOM", warmup: "10s" } } },
      "trafficPolicy.loadBalancing",
      /no warmup with RANDOM/,
    );
  });

  it("refuses different policies for one backend", () => {
    const backends = [{ service: "shared" }];
    const one = { name: "one", namespace: "apps", backends, trafficPolicy: { connections: { maxConnections: 1 } } };
    const two = { name: "two", namespace: "apps", backends };
    const [line = "", ...more] = mistakes({ services: [one, two] });
    assert.deepEqual(more, []);
    assert.match(
      line,
      /services\[1\]\.trafficPolicy: not set, expected the same trafficPolicy as services\[0\].*apps\/shared/,
    );
  });
});

describe("config, what the Gateway API's CRDs take", () => {
  it("refuses header values that are not visible ASCII, or too long", () => {
    for (const value of ["\u00fc", " a", "a  b", "a\nb", "x".repeat(4097)]) {
      refuses({ requestHeaders: { set: { "x-a": value } } }, "requestHeaders.set.x-a", /header's value/);
      const paths = (match: object) => [{ path: "/", match }];
      refuses({ paths: paths({ headers: { "x-a": value } }) }, "paths[0].match.headers.x-a", /header's value/);
    }
    refuses(
      { requestHeaders: { remove: ["x-a", "X-A"] } },
      "requestHeaders.remove[1]",
      /each header once.*remove\[0\]/,
    );
    assert.ok(rules({ requestHeaders: { set: { "x-a": "a b\tc" } } }));
  });

  it("refuses query parameters that no CRD accepts", () => {
    const paths = (query: object) => [{ path: "/", match: { query } }];
    refuses({ paths: paths({ "a b": "1" }) }, "paths[0].match.query.a b", /letters, digits/);
    refuses({ paths: paths({ a: "x".repeat(1025) }) }, "paths[0].match.query.a", /at most 1024/);
  });

  it("refuses paths with characters that must be percent-encoded", () => {
    for (const path of ["/users/{id}", "/a|b", "/%zz", "/\u00fc", '/"', "/a%2Fb", "/a#b", "/a?b"]) {
      refuses({ paths: [path] }, "paths[0].path", /an absolute path without/);
    }
    assert.ok(rules({ paths: ["/%20;v=1/@:!$&'()*+,=~"] }));
  });

  it("refuses changes of one header that contradict each other, for a service and for a path", () => {
    const header = (changes: object, path: string, reason: RegExp) => {
      refuses({ requestHeaders: changes }, `requestHeaders.${path}`, reason);
      refuses({ responseHeaders: changes }, `responseHeaders.${path}`, reason);
      const paths = (key: string) => [{ path: "/", [key]: changes }];
      refuses({ paths: paths("requestHeaders") }, `paths[0].requestHeaders.${path}`, reason);
      refuses({ paths: paths("responseHeaders") }, `paths[0].responseHeaders.${path}`, reason);
    };
    header(
      { set: { "X-Frame-Options": "DENY", "x-frame-options": "SAMEORIGIN" } },
      "set.x-frame-options",
      /each header once, whatever its case: set\.X-Frame-Options is the same one/,
    );
    header({ set: { "x-a": "1" }, remove: ["X-A"] }, "remove[0]", /set\.x-a is the same one/);
    header({ set: { "x-a": "1" }, add: { "X-A": "2" } }, "add.X-A", /set\.x-a is the same one/);
    header({ add: { "x-a": "1" }, remove: ["x-a"] }, "remove[0]", /add\.x-a is the same one/);
    assert.ok(rules({ requestHeaders: { set: { "x-a": "1" }, add: { "x-b": "1" }, remove: ["x-c"] } }));
    assert.ok(rules({ requestHeaders: { set: { "x-a": "1" } }, responseHeaders: { remove: ["x-a"] } }));
  });

  it("takes groups of a path's expression in its rewrite, and refuses those that would not be filled in", () => {
    for (const path of ["/$1", "/${name}", "/a{1}", "/a\\", "/a\\n"]) {
      refuses({ rewrite: { path } }, "rewrite.path", /written \\1 to \\9, not \$1 or \{1\}/);
      refuses({ rewrite: { prefix: path } }, "rewrite.prefix", /fixed text: groups/);
      refuses({ paths: [{ path: "/", rewrite: { path } }] }, "paths[0].rewrite.path", /written \\1 to \\9/);
    }
    const expression = { path: "/(?:a|b)/(?P<id>[0-9]+)(/.*)?", type: "RegularExpression" };
    const rewrite = { path: "/\\1" };
    refuses(
      { rewrite },
      "rewrite.path",
      /fixed text for PathPrefix \/: only a RegularExpression has groups; rewrite\.prefix/,
    );
    refuses({ paths: [{ path: "/a", type: "Exact", rewrite }] }, "paths[0].rewrite.path", /fixed text for Exact \/a/);
    refuses({ rewrite: { path: "/\\3" }, paths: [expression] }, "rewrite.path", /groups that .* has: it has 2/);
    refuses({ rewrite, paths: [expression, "/c"] }, "rewrite.path", /fixed text for PathPrefix \/c/);
    assert.ok(rules({ rewrite: { path: "/\\0\\1\\2" }, paths: [expression, { path: "/c", rewrite: false }] }));
    assert.ok(rules({ rewrite, paths: [expression, { path: "/c", redirect: { path: "/" } }] }));
    assert.ok(rules({ rewrite: { path: "/a$b/c" } }));
  });

  it("refuses origins that the Gateway API's CRDs refuse, and says which one admits them", () => {
    for (const origin of ["capacitor://localhost", "tauri://localhost", "chrome-extension://abc"]) {
      refuses({ cors: { allowOrigins: [origin] } }, "cors.allowOrigins[0]", /takes no other scheme; \* alone/);
    }
    refuses({ cors: { allowOrigins: ["HTTPS://app.test"] } }, "cors.allowOrigins[0]", /as browsers send it/);
    assert.ok(rules({ cors: { allowOrigins: ["*"] } }));
  });

  it("refuses an origin that is too long", () => {
    const allowOrigins = [`https://${"a".repeat(250)}.test`];
    refuses({ cors: { allowOrigins } }, "cors.allowOrigins[0]", /at most 253/);
  });
});
