import assert from "node:assert/strict";
import { routeMap } from "../../emit/routeMap";
import { checked, stack } from "../support/stacks";

describe("scripts/routeMap", () => {
  const map = (services: Record<string, unknown>[]) =>
    routeMap("test", stack({ services: services.map((more) => ({ name: "web", namespace: "apps", ...more })) }));

  it("draws each host, rule and backend once, with shares", () => {
    const text = map([{ canary: { service: "web-next", percent: 12 } }]);
    assert.match(text, /^ {2}gateway --> host0\{\{"web\.example\.test"\}\}$/m);
    assert.match(text, /^ {2}host0 -->\|"\/: 88 %"\| target0_0_0\["apps\/web:80"\]$/m);
    assert.match(text, /^ {2}host0 -->\|"\/: 12 %"\| target0_0_1\["apps\/web-next:80"\]$/m);
  });

  it("shows a port by name, where nobody knows its number", () => {
    const services = [{ name: "web", namespace: "apps", port: "http" }];
    assert.match(routeMap("test", checked({ services })), /target0_0_0\["apps\/web:http"\][^]*`apps\/web:http`/);
  });

  it("shows who may enter a path, if it is open in place of its service too", () => {
    const token = { jwt: { issuer: "https://id.test", jwksUri: "https://id.test/keys", audiences: ["web"] } };
    const text = map([{ access: token, paths: ["/", { path: "/open", access: { public: true } }] }]);
    assert.match(text, /`\/open` \| `apps\/web:80` \| open to all; /);
    assert.match(text, /`\/` \| `apps\/web:80` \| open to clients with a token from https:\/\/id\.test; /);
  });

  it("describes what must match and what happens on the way", () => {
    const text = map([
      {
        rateLimit: { type: "local-by-address", requests: 5, per: "minute" },
        trafficPolicy: { outlierDetection: {} },
        paths: [
          {
            path: "/a",
            type: "Exact",
            match: { method: "GET", headers: { "x-user": "beta" }, query: { v: { regex: "1|2" } } },
            timeouts: { request: "0s" },
            rewrite: { path: "/b" },
            mirror: { service: "copy", percent: 5 },
          },
        ],
      },
    ]);
    const row =
      "| web.example.test | `GET = /a header x-user=beta query v~1\\|2` | `apps/web:80` | answers begin within 1m; local-by-address limit 5 per minute; rewritten to /b; 5 % mirrored to apps/copy:80; outlier detection |";
    assert.ok(text.split("\n").includes(row), text);
  });

  it("says of a limit its burst, its status, who shares it, and that it is not enforced", () => {
    const services = [
      {
        name: "web",
        namespace: "apps",
        rateLimit: [
          { type: "local", requests: 5, per: "day", burst: 9, status: 503 },
          { type: "shared", name: "api" },
        ],
      },
    ];
    const api = { type: "global", requests: 7, per: "month", enforce: false };
    const text = routeMap("test", stack({ services, rateLimitService: { shared: { api } } }));
    assert.match(
      text,
      /; local limit 5 per day, 9 at once, refused with 503; global limit api \(shared\) 7 per month, not enforced \|/,
    );
  });

  it("shows timeouts per try, retries and CORS", () => {
    const text = map([
      {
        timeouts: { backendRequest: "1s" },
        retry: { attempts: 2 },
        cors: { allowOrigins: ["https://a.test", "https://b.test"] },
      },
      { name: "once", retry: false },
    ]);
    assert.match(text, /\| 1s per try; 2 retries; CORS for https:\/\/a\.test https:\/\/b\.test \|/);
    assert.match(text, /\| answers begin within 1m; no retries \|/);
  });

  it("escapes quotes in labels", () => {
    const text = map([{ paths: [{ path: "/", match: { headers: { "x-a": 'b"c' } } }] }]);
    assert.match(text, /\|"\/ header x-a=b#quot;c"\|/);
  });
});
