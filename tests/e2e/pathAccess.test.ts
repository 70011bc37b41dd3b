import assert from "node:assert/strict";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { request, type Answer } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { testIssuer } from "../support/jwt";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { pathBypasses } from "./support/pathBypasses";
import { sendRaw, type RawAnswer } from "./support/raw";
import { assertNothingRejected } from "./support/rejects";

const STACK = "path-access";
const DOMAIN = "path-access.test";
const ADDRESS = "192.168.51.147";
const APP = "https://app.path-access.test";

const company = testIssuer("https://login.path-access.test");
const token = (audience: string) => [`Authorization: Bearer ${company.token({ aud: audience })}`];
const jwt = (audience: string, more: Values = {}) => ({
  jwt: { issuer: company.issuer, jwks: company.jwks, audiences: [audience], ...more },
});

const inside = { allow: ["192.168.0.0/16"] };
const everyone = { public: true };
const service = (name: string, more: Values = {}) => ({ name, namespace: "access", port: 8080, ...more });
/** A path whose answers name a backend of its own. */
const to = (backend: string, path: string, more: Values = {}) => ({ path, backends: [{ service: backend }], ...more });

const values: Values = {
  domain: DOMAIN,
  gateway: {
    name: "path-access",
    namespace: "path-access-system",
    address: ADDRESS,
    clientAddress: { trustedProxies: 0 },
  },
  services: [
    // Open, with guarded paths.
    service("site", {
      hosts: [`site.${DOMAIN}`, { host: `old.${DOMAIN}`, redirect: 301 }],
      paths: [
        "/",
        to("site-admin", "/admin", { access: inside }),
        to("site-exact", "/exact", { type: "Exact", access: inside }),
      ],
    }),
    // Guarded, with open paths, for some methods only.
    service("shop", {
      access: inside,
      cors: { allowOrigins: [APP] },
      paths: [
        to("shop", "/"),
        to("shop-health", "/health", { access: everyone }),
        to("shop-read", "/items", { match: { method: "GET" }, name: "read", access: everyone }),
        to("shop-items", "/items"),
      ],
    }),
    // No path for everything.
    service("partial", { access: inside, paths: [to("partial-open", "/open", { access: everyone })] }),
    service("api", {
      paths: [
        to("api", "/"),
        to("api-token", "/token", { access: jwt("api") }),
        to("api-passed", "/passed", { access: jwt("passed", { forwardOriginalToken: true }) }),
        to("api-asked", "/asked", { access: { externalAuthorization: { provider: "lab-authorizer" } } }),
      ],
    }),
    // The authorizer sets x-role to what the query asks for, and the checked token makes Envoy choose the rule again.
    service("changed", {
      access: { ...jwt("changed"), externalAuthorization: { provider: "lab-authorizer" } },
      paths: [
        to("changed", "/"),
        to("changed-admin", "/", {
          name: "admin",
          match: { headers: { "x-role": "admin" } },
          access: { allow: ["203.0.113.77"] },
        }),
        to("changed-guest", "/", { name: "guest", match: { headers: { "x-role": "guest" } }, access: everyone }),
      ],
    }),
    service("calls", {
      protocol: "grpc",
      access: inside,
      paths: ["/", { path: "/lab.Echo/Unary", access: everyone }],
    }),
    service("authorizer"),
  ],
};

describe("pathAccess", () => {
  const get = (
    name: string,
    path: string,
    options: { from?: string; headers?: string[]; curl?: string[] } = {},
  ): Promise<Answer> => request(theLab(), `https://${name}.${DOMAIN}${path}`, { from: CLIENT_OUTSIDE, ...options });
  const backend = ({ status, headers }: Answer) => [status, headers["x-backend"]];

  before(async () => {
    await deploy(STACK, values);
    await eventually("the routes", 60_000, async () => {
      for (const [name, path] of [
        ["site", "/admin"],
        ["shop", "/health"],
        ["partial", "/open"],
        ["api", "/"],
        ["authorizer", "/"],
      ] as const) {
        assert.equal((await get(name, path, { from: CLIENT_INSIDE })).status, 200, name);
      }
    });
  });
  after(() => destroy(STACK));

  it("guards a path of an open service, and nothing else of it", async () => {
    assert.deepEqual(backend(await get("site", "/")), [200, "site"]);
    for (const path of ["/admin", "/admin/x", "/exact"]) {
      const { status, body, headers } = await get("site", path);
      assert.deepEqual([status, body, headers["x-backend"]], [403, "RBAC: access denied", undefined], path);
    }
    assert.deepEqual(backend(await get("site", "/exact/x")), [200, "site"]);
    assert.deepEqual(backend(await get("site", "/admin", { from: CLIENT_INSIDE })), [200, "site-admin"]);
    assert.equal((await get("old", "/admin")).headers.location, `https://site.${DOMAIN}/admin`);
  });

  it("opens a path of a guarded service, for its methods alone", async () => {
    assert.deepEqual(backend(await get("shop", "/")), [403, undefined]);
    assert.deepEqual(backend(await get("shop", "/health")), [200, "shop-health"]);
    assert.deepEqual(backend(await get("shop", "/healthy")), [403, undefined]);
    assert.deepEqual(backend(await get("shop", "/items")), [200, "shop-read"]);
    for (const method of ["POST", "DELETE", "OPTIONS"]) {
      assert.deepEqual(backend(await get("shop", "/items", { curl: ["--request", method] })), [403, undefined], method);
    }
    const curl = ["--request", "POST"];
    assert.deepEqual(backend(await get("shop", "/items", { curl, from: CLIENT_INSIDE })), [200, "shop-items"]);
  });

  it("answers requests to no path as the service says", async () => {
    assert.deepEqual(backend(await get("partial", "/open")), [200, "partial-open"]);
    assert.deepEqual(backend(await get("partial", "/else")), [403, undefined]);
    assert.equal((await get("partial", "/else", { from: CLIENT_INSIDE })).status, 404);
  });

  it("answers preflights of every path", async () => {
    const headers = [`Origin: ${APP}`, "Access-Control-Request-Method: GET"];
    for (const path of ["/", "/health", "/items"]) {
      const answer = await get("shop", path, { headers, curl: ["--request", "OPTIONS"] });
      assert.deepEqual(
        [...backend(answer), answer.headers["access-control-allow-origin"]],
        [200, undefined, APP],
        path,
      );
    }
  });

  it("checks tokens on their paths alone, and passes them on where a path asks for it", async () => {
    const seen = async (path: string, headers: string[]) => {
      const { status, body } = await get("api", path, { headers });
      return [
        status,
        status === 200 && (JSON.parse(body) as { headers: Record<string, string> }).headers.authorization,
      ];
    };
    assert.deepEqual(await seen("/token", token("api")), [200, undefined]);
    assert.deepEqual(await seen("/token", token("passed")), [403, false]);
    assert.deepEqual(await seen("/token", []), [403, false]);
    const [passed = ""] = token("passed");
    assert.deepEqual(await seen("/passed", [passed]), [200, passed.replace("Authorization: ", "")]);
    assert.deepEqual(await seen("/", ["Authorization: Bearer x"]), [200, "Bearer x"]);
  });

  it("asks the external authorizer on its paths alone", async () => {
    assert.match((await get("api", "/asked")).body, /^decided by the external authorization/);
    assert.deepEqual(backend(await get("api", "/asked", { headers: ["x-authorize: yes"] })), [200, "api-asked"]);
    assert.deepEqual(backend(await get("api", "/")), [200, "api"]);
  });

  it("decides by the rule that Envoy chooses in the end, if the authorizer changes what it is chosen by", async () => {
    const headers = [...token("changed"), "x-authorize: yes"];
    assert.deepEqual(backend(await get("changed", "/", { headers })), [200, "changed"]);
    assert.deepEqual(backend(await get("changed", "/?role=admin", { headers })), [403, undefined]);
    assert.deepEqual(backend(await get("changed", "/?role=guest", { headers })), [200, "changed-guest"]);
    assert.deepEqual(backend(await get("changed", "/", { headers: ["x-role: admin"] })), [403, undefined]);
    assert.deepEqual(backend(await get("changed", "/", { headers: ["x-role: guest"] })), [200, "changed-guest"]);
    assert.deepEqual(backend(await get("changed", "/")), [403, undefined]);
  });

  it("opens a method of a gRPC service", async () => {
    const call = (path: string) => ({
      address: ADDRESS,
      from: CLIENT_OUTSIDE,
      sni: `calls.${DOMAIN}`,
      http2: {
        ":method": "POST",
        ":scheme": "https",
        ":authority": `calls.${DOMAIN}`,
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
      },
    });
    const [open, other] = await sendRaw([call("/lab.Echo/Unary"), call("/lab.Echo/Other")]);
    assert.equal(open?.status, 200);
    assert.doesNotMatch(open.text, /"grpc-status":"7"/);
    assert.match(other?.text ?? "", /"grpc-status":"7"/);
  });

  const attempts = [
    { name: "site", guarded: "/admin", open: "/other", guards: ["site-admin", "site-exact"] },
    { name: "shop", guarded: "/secret", open: "/health", guards: ["shop", "shop-items"] },
  ];
  for (const { name, guarded, open, guards } of attempts) {
    it(`gives every request to ${name} the answer of the rule that it is routed to`, async () => {
      const cases = pathBypasses({ address: ADDRESS, host: `${name}.${DOMAIN}`, guarded, open });
      const [within, without] = await Promise.all(
        [CLIENT_INSIDE, CLIENT_OUTSIDE].map((from) => sendRaw(Object.values(cases).map((request) => request(from)))),
      );
      const who = (answer: RawAnswer | undefined) => /x-backend"?: ?"?([a-z-]+)/i.exec(answer?.text ?? "")?.[1];
      const reached = new Map<string | undefined, number>();
      Object.keys(cases).forEach((what, index) => {
        const [admitted, seen] = [within?.[index], without?.[index]];
        const routedTo = who(admitted);
        reached.set(routedTo, (reached.get(routedTo) ?? 0) + 1);
        const isGuarded = guards.includes(routedTo ?? "");
        assert.equal(who(seen), isGuarded ? undefined : routedTo, what);
        // A guarded service refuses what has no path.
        const expected = isGuarded ? [403] : [admitted?.status, ...(routedTo === undefined ? [403] : [])];
        assert.ok(expected.includes(seen?.status), `${what}: ${seen?.status}, inside ${admitted?.status}`);
        assert.doesNotMatch(seen?.text ?? "", new RegExp(`"service":"(${guards.join("|")})"`), what);
      });
      // Most of them are valid, and both kinds of paths are reached.
      for (const backend of [guards[0], name === "site" ? "site" : "shop-health"]) {
        assert.ok((reached.get(backend) ?? 0) > 20, `${backend}: ${reached.get(backend)}`);
      }
    });
  }

  it("has every filter in Envoy, and none was rejected", async () => {
    await assertNothingRejected("path-access");
  });
});
