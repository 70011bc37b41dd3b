import assert from "node:assert/strict";
import { request } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";

const STACK = "path-limits";
const DOMAIN = "path-limits.test";

const service = (name: string, more: Values) => ({ name, namespace: "path-limits", port: 8080, ...more });

/** Counters that no test sees restart. */
const perYear = (requests: number) => ({ type: "global", requests, per: "year" });
const SHARED = { type: "shared", name: "plan" };

const values: Values = {
  domain: DOMAIN,
  gateway: { name: "path-limits", namespace: "path-limits-system", address: "192.168.51.186" },
  // Generous, because a busy machine answers slowly and nothing here tests the timeout.
  rateLimitService: { timeout: "10s", replicas: 1, failureMode: "closed", shared: { plan: perYear(3) } },
  services: [
    service("probe", { rateLimit: perYear(1_000_000) }),
    service("shop", {
      rateLimit: perYear(4),
      paths: [
        "/",
        "/items",
        { path: "/login", rateLimit: perYear(2) },
        { path: "/proxy", rateLimit: { type: "local", requests: 1, per: "day" } },
        { path: "/plan", rateLimit: [SHARED, { ...perYear(100), type: "global-by-address" }] },
        { path: "/health", rateLimit: false },
      ],
    }),
    service("other", { paths: ["/", { path: "/limited", rateLimit: SHARED }] }),
    service("files", {
      limits: { maxRequestSize: "32Ki", streamIdleTimeout: "1s" },
      paths: [
        "/",
        { path: "/upload", limits: { maxRequestSize: "256Ki" } },
        { path: "/patient", limits: { streamIdleTimeout: "0s" } },
        { path: "/free", limits: false },
      ],
    }),
  ],
};

describe("path limits", () => {
  const size = (bytes: number) => ["--http1.1", "--data-binary", "x".repeat(bytes)];
  const status = async (path: string, curl: readonly string[] = [], name = "files") =>
    (await request(theLab(), `https://${name}.${DOMAIN}${path}`, { curl: [...curl] })).status;
  /** One after another. */
  const statuses = async (name: string, ...paths: readonly string[]) => {
    const got: number[] = [];
    for (const path of paths) {
      got.push(await status(path, [], name));
    }
    return got;
  };

  before(async () => {
    await deploy(STACK, values);
    await eventually("the routes and the limits", 30_000, async () => {
      assert.equal(await status("/"), 200);
      assert.equal(await status("/", size(100_000)), 413);
    });
    await eventually("counting", 60_000, async () => {
      const got = await statuses("probe", ...Array.from({ length: 20 }, () => "/"));
      assert.ok(
        got.every((one) => one === 200),
        got.join(),
      );
    });
  });
  after(() => destroy(STACK));

  it("takes bodies up to the path's size, and any where the path has limits without one", async () => {
    for (const [path, bytes, expected] of [
      ["/", 10_000, 200],
      ["/", 60_000, 413],
      ["/upload", 120_000, 200],
      ["/upload/more", 120_000, 200],
      ["/uploads", 60_000, 413],
      ["/patient", 120_000, 200],
      ["/free", 120_000, 200],
    ] as const) {
      assert.equal(await status(path, size(bytes)), expected, `${bytes} bytes to ${path}`);
    }
  });

  it("ends silence by the service's time only where the path has no limits of its own", async () => {
    assert.equal(await status("/?sleep=2000"), 504);
    for (const path of ["/upload", "/patient", "/free"]) {
      assert.equal(await status(`${path}?sleep=2000`), 200, path);
    }
  });

  it("counts the paths without limits of their own together, and each other path for itself", async () => {
    assert.deepEqual(
      await statuses("shop", "/", "/items", "/", "/items", "/", "/items"),
      [200, 200, 200, 200, 429, 429],
    );
    assert.deepEqual(await statuses("shop", "/login", "/login", "/login"), [200, 200, 429]);
    assert.deepEqual(await statuses("shop", "/proxy", "/proxy"), [200, 429]);
    assert.deepEqual(await statuses("shop", "/health", "/health", "/health"), [200, 200, 200]);
  });

  it("counts a shared limit of a path with all that have it", async () => {
    assert.deepEqual(await statuses("other", "/limited", "/", "/limited"), [200, 200, 200]);
    assert.deepEqual(await statuses("shop", "/plan", "/plan"), [200, 429]);
    assert.deepEqual(await statuses("other", "/limited", "/"), [429, 200]);
  });

  it("is a config that Envoy takes", () => assertNothingRejected(STACK));
});
