import assert from "node:assert/strict";
import { eventually } from "../../lab/processes";
import { request } from "../../lab/probe";
import { deploy, destroy, theLab } from "./support/lab";

const STACK = "routing";
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
      name: "regex",
      namespace: "apps",
      port: 8080,
      paths: [
        { path: "/.*", type: "RegularExpression", name: "rest", backends: [{ service: "rest" }] },
        { path: "/user/[0-9]+", type: "RegularExpression", name: "user", backends: [{ service: "user" }] },
      ],
    },
  ],
};

describe("routing", () => {
  const get = (host: string, path: string) => request(theLab(), `https://${host}.routing.test${path}`);

  before(async () => {
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
  ] as const) {
    it(`${host}.routing.test${path} goes to ${backend}`, async () => {
      const { status, headers } = await get(host, path);
      assert.equal(status, 200);
      assert.equal(headers["x-backend"], backend);
    });
  }

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

  it("does not loop: following the redirect ends at the backend", async () => {
    const answer = await request(theLab(), "http://web.routing.test/", {
      curl: ["--location", "--max-redirs", "2", "--output", "/dev/null"],
    });
    assert.equal(answer.status, 200);
  });

  it("answers 404 for hosts that no service has, over https", async () => {
    assert.equal((await get("unknown", "/")).status, 404);
  });

  it("lets no other namespace attach a route", async () => {
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
      await eventually("the verdict on the stranger's route", 20_000, async () => {
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
