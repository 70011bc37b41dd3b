import assert from "node:assert/strict";
import { literalHead, matchesAllBelow } from "../../../config/values/regularExpression";
import { mistakes, stack } from "../../support/stacks";

type Values = Record<string, unknown>;

/** Two services of one host. */
const shared = (web: Values, api: Values): Values => ({
  services: [
    { name: "web", host: "app.example.test", namespace: "apps", ...web },
    { name: "api", host: "app.example.test", namespace: "apps", ...api },
  ],
});
const regex = (path: string, more: Values = {}) => ({ path, type: "RegularExpression", ...more });
const at = (place: string) => `istio-gateway:services${place}: `;

/** Asserts that two services of one host have exactly one mistake. */
function refuses(web: Values, api: Values, place: string, reason: RegExp): void {
  const [line = "", ...more] = mistakes(shared(web, api));
  assert.deepEqual(more, [], line);
  assert.ok(line.startsWith(at(place)), line);
  assert.match(line, reason);
}

/** Asserts that neither order of the two services has a mistake. */
function accepts(web: Values, api: Values): void {
  assert.deepEqual(mistakes(shared(web, api)), []);
  assert.deepEqual(mistakes(shared(api, web)), []);
}

describe("config/precedence, a regular expression below another service's prefix", () => {
  it("is refused, with both paths and what to write instead", () => {
    const api = { paths: [regex("/api/v[0-9]+/.*")] };
    refuses({}, api, "[1].paths[0].path", /so services\[0\]\.paths\[0\] \(\/\) gets every request.*such as \/\.\*$/);
    refuses(
      { paths: ["/api/"] },
      api,
      "[1].paths[0].path",
      /services\[0\]\.paths\[0\] \(\/api\/\).*such as \/api\/\.\*$/,
    );
    const [line = ""] = mistakes(shared(api, {}));
    assert.ok(line.startsWith(at("[0].paths[0].path")), line);
  });

  it("is fine on another host, below another prefix, and once the prefix is a shorter expression", () => {
    const api = { paths: [regex("/api/v[0-9]+/.*")] };
    accepts({ host: "www.example.test" }, api);
    accepts({ paths: ["/api/v1", "/ap"] }, api);
    accepts({ paths: [regex("/.*")] }, api);
  });

  it("is refused if the prefix asks for no more than it does", () => {
    const beta = { headers: { "x-user": "beta" } };
    const web = { paths: [{ path: "/", match: beta }] };
    const match = { headers: { "X-User": "beta" }, method: "GET" };
    refuses(web, { paths: [regex("/a.*", { match })] }, "[1].paths[0].path", /no prefix that covers it/);
    accepts(web, { paths: [regex("/a.*")] });
    accepts(web, { paths: [regex("/a.*", { match: { headers: { "x-user": "alpha" } } })] });
  });

  it("is refused below a longer expression that matches everything there", () => {
    const web = { paths: [regex("/api/(.*)")] };
    refuses(
      web,
      { paths: [regex("/api/v.")] },
      "[1].paths[0].path",
      /a longer expression than services\[0\]\.paths\[0\]/,
    );
    accepts(web, { paths: [regex("/api/v[0-9]+/x")] });
    accepts(web, { paths: [regex("/aps/v.")] });
  });

  it("is judged by what each of its matches begins with", () => {
    assert.deepEqual(
      ["/api/v[0-9]+", "/api/?x", "/a{2}", "/api/(a|b)", "/api/x|/other", "/api/[|]", "/a\\|b", "(?i)/a", "/a+"].map(
        literalHead,
      ),
      ["/api/v", "/api", "/", "/api/", "", "/api/", "/a", "", "/a"],
    );
    assert.deepEqual(
      [
        ["/.*", ".*"],
        ["/(.*)", "/a"],
        ["^/a/.*$", "/a/b"],
        ["/a/.*", "/b"],
        ["/a/.+", "/a/b"],
      ].map(([outer, inner]) => matchesAllBelow(outer ?? "", inner ?? "")),
      [true, true, true, false, false],
    );
    // An alternative leaves the prefix.
    accepts({ paths: ["/api"] }, { paths: [regex("/api/x|/other")] });
  });
});

describe("config/precedence, matches of two services that are equally specific", () => {
  const path = (match: Values, more: Values = {}) => ({ paths: [{ path: "/", match, ...more }] });

  it("are refused if a request may match both", () => {
    const reason =
      /a match that excludes that of services\[0\]\.paths\[0\], one more condition, or both paths in one service/;
    for (const [web, api] of [
      [{ headers: { "x-a": "1" } }, { headers: { "x-b": "1" } }],
      [{ headers: { "x-a": "1" } }, { headers: { "X-A": { regex: "[0-9]" } } }],
      [{ query: { a: "1" } }, { query: { A: "1" } }],
      [
        { method: "GET", headers: { "x-a": "1" } },
        { method: "GET", headers: { "x-b": "1" } },
      ],
    ] as const) {
      refuses(path(web), path(api), "[1].paths[0].match", reason);
    }
    refuses({ paths: [regex("/[a-z]+")] }, { paths: [regex("/[0-9]+")] }, "[1].paths[0].match", reason);
  });

  it("are fine if no request matches both, if one is more specific, and in one service", () => {
    accepts(path({ headers: { "x-a": "1" } }), path({ headers: { "X-A": "2" } }));
    accepts(path({ query: { a: "1" } }), path({ query: { a: "2" } }));
    accepts(path({ method: "GET" }), path({ method: "PUT" }));
    accepts(path({ headers: { "x-a": "1" } }), path({ headers: { "x-b": "1", "x-c": "1" } }));
    accepts(path({ headers: { "x-a": "1" } }), path({ method: "GET" }));
    accepts({ paths: [regex("/a[0-9]+")] }, { paths: [regex("/b[0-9]+")] });
    accepts({ paths: ["/a", { path: "/b", type: "Exact" }] }, { paths: ["/c", { path: "/d", type: "Exact" }] });
    const paths = [
      { path: "/", name: "b", match: { headers: { "x-b": "1" } } },
      { path: "/", name: "a", match: { headers: { "x-a": "1" } } },
    ];
    assert.deepEqual(
      stack(shared({ paths }, { host: "www.example.test" })).services[0]?.rules.map(({ name }) => name),
      ["web--b", "web--a"],
    );
  });

  it("leaves a service's own expressions of one length in the order of its list", () => {
    const paths = [regex("/[a-z]+", { name: "letters" }), regex("/[0-9]+", { name: "digits" })];
    const { services } = stack(shared({ paths }, { host: "www.example.test" }));
    assert.deepEqual(
      services[0]?.rules.map(({ name }) => name),
      ["web--letters", "web--digits"],
    );
  });

  it("does not count the slash at the end of a prefix, which Istio ignores", () => {
    const paths = [
      { path: "/api/", name: "all" },
      { path: "/api", name: "beta", match: { headers: { "x-user": "beta" } } },
    ];
    assert.deepEqual(
      stack(shared({ paths }, { host: "www.example.test" })).services[0]?.rules.map(({ name }) => name),
      ["web--beta", "web--all"],
    );
  });

  it("are refused between gRPC services too", () => {
    const grpc = (match: Values) => ({ protocol: "grpc", paths: [{ path: "/a.B/C", match }] });
    refuses(
      grpc({ headers: { "x-a": "1" } }),
      grpc({ headers: { "x-b": "1" } }),
      "[1].paths[0].match",
      /one more condition/,
    );
  });
});

describe("config/precedence, a canary's override on a host of two services", () => {
  const canary = { service: "next", percent: 1, override: { headers: { "x-canary": "true" } } };
  const beta = (headers: Values) => ({ paths: [{ path: "/", match: { headers } }] });

  it("is refused if another service has the same match, or one that shares requests", () => {
    refuses(
      { canary },
      beta({ "X-Canary": "true" }),
      "[1].paths[0].match",
      /the canary's override on services\[0\]\.paths\[0\]: one of the two/,
    );
    refuses(
      { canary },
      beta({ "x-user": "beta" }),
      "[1].paths[0].match",
      /that of the canary's override on services\[0\]\.paths\[0\], one more/,
    );
    refuses(
      beta({ "x-user": "beta" }),
      { canary },
      "[1].canary.override",
      /that of services\[0\]\.paths\[0\], one more/,
    );
    accepts({ canary }, beta({ "x-canary": "false" }));
    accepts({ canary }, { paths: ["/api"] });
  });

  it("is refused if it is another override's", () => {
    const paths = [
      { path: "/", name: "a", match: { headers: { "x-canary": "a" } } },
      { path: "/", name: "b", match: { headers: { "x-canary": "b" } } },
    ];
    refuses(
      { canary, paths },
      { host: "www.example.test" },
      "[0].canary.override",
      /the canary's override on services\[0\]\.paths\[0\]/,
    );
  });

  it("is refused if a prefix with its conditions takes its requests", () => {
    const web = beta({ "x-canary": "true" });
    refuses(
      web,
      { canary, paths: [regex("/a.*")] },
      "[1].canary.override",
      /Istio tries prefixes first, so services\[0\]\.paths\[0\]/,
    );
  });
});

describe("config, what browsers keep for a host of two services", () => {
  it("refuses two policies of HSTS", () => {
    const hsts = { maxAge: "1d" };
    refuses({ hsts }, { paths: ["/api"] }, "[1].hsts", /the same hsts as services\[0\]: both serve app\.example\.test/);
    refuses({ hsts }, { paths: ["/api"], hsts: { maxAge: "2d" } }, "[1].hsts", /the same hsts/);
    accepts({ hsts }, { paths: ["/api"], hsts });
  });

  it("lets a service's preflights be answered by another, as far as that one allows the same", () => {
    const cors = { allowOrigins: ["https://app.test"], allowMethods: ["PUT"] };
    const put = { paths: [{ path: "/", match: { method: "PUT" } }], cors };
    accepts({ cors: { ...cors, allowMethods: ["PUT", "PATCH"] } }, put);
    refuses({}, put, "[1].paths[0].match", /cors also on \//);
    refuses(
      { cors: { ...cors, allowMethods: ["PATCH"] } },
      put,
      "[1].cors.allowMethods",
      /nothing beyond services\[0\]\.cors\.allowMethods: services\[0\]\.paths\[0\] gets the preflights/,
    );
    refuses({ cors: { ...cors, allowOrigins: ["https://b.test"] } }, put, "[1].cors.allowOrigins", /nothing beyond/);
    accepts({ cors: { allowOrigins: ["*"], allowMethods: ["*"] } }, put);
  });
});
