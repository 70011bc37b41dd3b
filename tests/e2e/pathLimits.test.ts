import assert from "node:assert/strict";
import { request } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";

const STACK = "path-limits";
const DOMAIN = "path-limits.test";

const service = (name: string, more: Values) => ({ name, namespace: "path-limits", port: 8080, ...more });

const values: Values = {
  domain: DOMAIN,
  gateway: { name: "path-limits", namespace: "path-limits-system", address: "192.168.51.186" },
  services: [
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
  const status = async (path: string, curl: readonly string[] = []) =>
    (await request(theLab(), `https://files.${DOMAIN}${path}`, { curl: [...curl] })).status;

  before(async () => {
    await deploy(STACK, values);
    await eventually("the routes and the limits", 30_000, async () => {
      assert.equal(await status("/"), 200);
      assert.equal(await status("/", size(100_000)), 413);
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

  it("is a config that Envoy takes", () => assertNothingRejected(STACK));
});
