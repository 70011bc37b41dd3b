import assert from "node:assert/strict";
import { eventually } from "../../lab/processes";
import { request } from "../../lab/probe";
import { deploy, destroy, theLab, writeServices } from "./support/lab";

const STACK = "routing";
/** A value of which Envoy would make something else, or reject it. */
const PERCENT = "100% of all, %% and %unknown%";
const VALUES = {
  domain: "routing.test",
  gateway: { name: "routing", namespace: "routing-system", address: "192.168.51.111" },
  services: [
    {
      name: "web",
      namespace: "apps",
      port: 8080,
      paths: [
        { path: "/", backends: [{ service: "root" }] },
        { path: "/api", backends: [{ service: "api" }] },
        { path: "/api/v1", backends: [{ service: "api-v1" }] },
        { path: "/api/v1/health", type: "Exact", backends: [{ service: "health" }] },
        { path: "/far", backends: [{ service: "far", namespace: "elsewhere" }] },
        { path: "/slow", timeouts: { request: "1s" }, backends: [{ service: "slow" }] },
      ],
    },
    {
      name: "filters",
      namespace: "apps",
      port: 8080,
      requestHeaders: {
        set: { "x-set": "ours", "x-percent": PERCENT, "x-api-version": "2022-11-28" },
        add: { "x-added": PERCENT },
        remove: ["x-remove"],
      },
      responseHeaders: {
        set: { "x-answer": "ours", "x-percent": PERCENT },
        add: { "x-added": PERCENT },
        remove: ["x-backend"],
      },
      paths: [
        { path: "/", mirror: { service: "copy", namespace: "elsewhere" } },
        { path: "/old", rewrite: { hostname: "inside.routing.test", prefix: "/new" } },
        { path: "/all", rewrite: { path: "/one" } },
      ],
    },
    {
      name: "prefixed",
      namespace: "apps",
      port: 8080,
      rewrite: { prefix: "/v1" },
      paths: ["/", "/bare", { path: "/away", rewrite: { prefix: "/" } }],
    },
    // Two services of one host: Istio sorts their routes together.
    {
      name: "site",
      host: "shared.routing.test",
      namespace: "apps",
      port: 8080,
      backends: [{ service: "root" }],
      paths: [{ path: "/.*", type: "RegularExpression" }, "/static", { path: "/api/v1/health", type: "Exact" }],
    },
    {
      name: "calls",
      host: "shared.routing.test",
      namespace: "apps",
      port: 8080,
      backends: [{ service: "api" }],
      paths: [
        { path: "/api/v[0-9]+/.*", type: "RegularExpression" },
        "/static/api",
        { path: "/static", name: "beta", match: { headers: { "x-user": "beta" } } },
      ],
    },
  ],
  serviceFiles: ["regex.yaml"],
};
const IN_FILE = [
  {
    name: "regex",
    namespace: "apps",
    port: 8080,
    paths: [
      { path: "/.*", type: "RegularExpression", name: "rest", backends: [{ service: "rest" }] },
      { path: "/user/[0-9]+", type: "RegularExpression", name: "user", backends: [{ service: "user" }] },
      {
        path: "/(?:items|things)/([0-9]+)(?P<rest>/.*)?",
        type: "RegularExpression",
        name: "items",
        rewrite: { hostname: "inside.routing.test", path: "/v2/\\1-\\1\\2/end" },
        requestHeaders: { set: { "x-asked": "${path}" } },
      },
    ],
  },
];

describe("routing", () => {
  const get = (host: string, path: string) => request(theLab(), `https://${host}.routing.test${path}`);

  before(async () => {
    writeServices("regex.yaml", IN_FILE);
    await deploy(STACK, VALUES);
    await eventually("the routes", 30_000, async () => {
      const { status } = await get("regex", "/");
      assert.equal(status, 200);
    });
  });
  after(() => destroy(STACK));

  for (const [host, path, backend] of [
    ["web", "/", "root"],
    ["web", "/apis", "root"],
    ["web", "/api", "api"],
    ["web", "/api/", "api"],
    ["web", "/api/v2", "api"],
    ["web", "/api/v1", "api-v1"],
    ["web", "/api/v1/x", "api-v1"],
    ["web", "/api/v1/health", "health"],
    ["web", "/api/v1/health/x", "api-v1"],
    ["web", "/far", "far"],
    ["regex", "/user/12", "user"],
    ["regex", "/user/x", "rest"],
    ["shared", "/api/v1/x", "api"],
    ["shared", "/api/v1/health", "root"],
    ["shared", "/api/x", "root"],
    ["shared", "/static/api/x", "api"],
    ["shared", "/static/x", "root"],
  ] as const) {
    it(`${host}.routing.test${path} goes to ${backend}`, async () => {
      const { status, headers } = await get(host, path);
      assert.equal(status, 200);
      assert.equal(headers["x-backend"], backend);
    });
  }

  it("tries the match with more conditions first, whichever service of the host has it", async () => {
    const { headers } = await request(theLab(), "https://shared.routing.test/static/x", { headers: ["x-user: beta"] });
    assert.equal(headers["x-backend"], "api");
  });

  interface Echo {
    path: string;
    query: string;
    headers: Record<string, string>;
  }
  const echo = async (path: string, headers: readonly string[] = []) => {
    const answer = await request(theLab(), `https://filters.routing.test${path}`, { headers });
    return { answer, seen: JSON.parse(answer.body) as Echo };
  };

  it("changes headers of requests and responses", async () => {
    const { answer, seen } = await echo("/", ["x-set: theirs", "x-remove: theirs", "x-keep: theirs"]);
    assert.equal(seen.headers["x-set"], "ours");
    assert.equal(seen.headers["x-api-version"], "2022-11-28");
    assert.equal(seen.headers["x-remove"], undefined);
    assert.equal(seen.headers["x-keep"], "theirs");
    assert.equal(seen.headers.host, "filters.routing.test");
    assert.equal(answer.headers["x-answer"], "ours");
    assert.equal(answer.headers["x-backend"], undefined);
  });

  it("does not let Envoy interpret a header's value as a command operator", async () => {
    const { answer, seen } = await echo("/");
    assert.deepEqual([seen.headers["x-percent"], seen.headers["x-added"]], [PERCENT, PERCENT]);
    assert.deepEqual([answer.headers["x-percent"], answer.headers["x-added"]], [PERCENT, PERCENT]);
  });

  it("rewrites the host and the path, and keeps the query", async () => {
    const { seen } = await echo("/old/a?b=c");
    assert.deepEqual([seen.headers.host, seen.path, seen.query], ["inside.routing.test", "/new/a", "?b=c"]);
    assert.equal((await echo("/all/of/it")).seen.path, "/one");
  });

  it("puts groups of an expression into the path, and nothing of what a client says", async () => {
    for (const [asked, path, query] of [
      ["/items/12", "/v2/12-12/end", ""],
      ["/things/12/a/b?c=/items/3", "/v2/12-12/a/b/end", "?c=/items/3"],
      ["/items/7/%C3%BC%20$1%251/", "/v2/7-7/%C3%BC%20$1%251//end", ""],
    ] as const) {
      const forged = ["unified-gateway.path: /admin", "x-envoy-original-path: /admin"];
      const { status, body } = await request(theLab(), `https://regex.routing.test${asked}`, { headers: forged });
      assert.equal(status, 200);
      const seen = JSON.parse(body) as Echo;
      assert.deepEqual([seen.headers.host, seen.path, seen.query], ["inside.routing.test", path, query], asked);
      assert.equal(seen.headers["unified-gateway.path"], undefined);
      assert.equal(seen.headers["x-asked"], asked);
    }
    assert.equal((await get("regex", "/items/x")).headers["x-backend"], "rest", "a path that it does not match");
    const other = await request(theLab(), "https://filters.routing.test/", {
      headers: ["unified-gateway.path: /admin"],
    });
    assert.equal((JSON.parse(other.body) as Echo).path, "/", "a path without groups");
  });

  it("replaces a prefix, including /", async () => {
    for (const [path, seen] of Object.entries({
      "/": "/v1/",
      "/x/y": "/v1/x/y",
      "/bare": "/v1",
      "/bare/x": "/v1/x",
      "/away": "/",
      "/away/x": "/x",
    })) {
      const { body } = await get("prefixed", path);
      assert.equal((JSON.parse(body) as { path: string }).path, seen, path);
    }
  });

  it("sends a copy of every request to the mirror", async () => {
    for (let count = 0; count < 5; count++) {
      await echo("/?key=mirrored");
    }
    // The echo server is one process: each request and each copy of it counts once.
    await eventually("the copies", 5_000, async () => {
      const { stdout } = await theLab().run(["curl", "-sk", "https://web.routing.test/__count?key=mirrored"]);
      assert.equal(stdout, "10");
    });
  });

  it("ends a request at its timeout", async () => {
    const { status } = await get("web", "/slow?sleep=3000");
    assert.equal(status, 504);
    const quick = await get("web", "/slow?sleep=100");
    assert.equal(quick.status, 200);
  });

  it("redirects http with path and query, whatever the host", async () => {
    for (const host of ["web", "regex", "unknown"]) {
      const answer = await request(theLab(), `http://${host}.routing.test/a/b?c=d&e=f`, {
        curl: ["--max-redirs", "0"],
      });
      assert.equal(answer.status, 301);
      assert.equal(answer.headers.location, `https://${host}.routing.test/a/b?c=d&e=f`);
    }
  });

  it("does not loop: following the redirect reaches the backend", async () => {
    const answer = await request(theLab(), "http://web.routing.test/", {
      curl: ["--location", "--max-redirs", "2", "--output", "/dev/null"],
    });
    assert.equal(answer.status, 200);
  });

  it("answers 404 over https for hosts that belong to no service", async () => {
    assert.equal((await get("unknown", "/")).status, 404);
  });

  it("lets no other namespace attach routes", async () => {
    const route = {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "stranger", namespace: "default" },
      spec: {
        parentRefs: [{ name: "routing", namespace: "routing-system" }],
        hostnames: ["stranger.routing.test"],
        rules: [{ backendRefs: [{ name: "kubernetes", port: 443 }] }],
      },
    };
    const lab = theLab();
    await lab.kubectl(["apply", "-f", "-"], JSON.stringify(route));
    try {
      await eventually("the other namespace's route to be rejected", 20_000, async () => {
        const text = await lab.kubectl([
          "get",
          "httproute",
          "stranger",
          "-n",
          "default",
          "-o",
          "jsonpath={.status.parents[*].conditions[?(@.type=='Accepted')].reason}",
        ]);
        assert.match(text, /NotAllowedByListeners/);
      });
    } finally {
      await lab.kubectl(["delete", "httproute", "stranger", "-n", "default"]);
    }
  });
});
