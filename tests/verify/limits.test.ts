import assert from "node:assert/strict";
import { limitedRules, lowestLimit, whyNot } from "../../verify/checks/limits";
import { stack } from "../support/stacks";
import { resolveRateLimits } from "../../config/resolve/rateLimits";
import { rateLimitsSchema } from "../../config/schema/limits/rateLimit";

describe("verify/checks/limits", () => {
  const limit = (value: object) => {
    const lowest = lowestLimit({ rateLimit: resolveRateLimits(rateLimitsSchema.parse(value), undefined) });
    assert.ok(lowest);
    return lowest;
  };
  const http = { protocol: "http" } as const;

  it("tests the limit that refuses a client first", () => {
    const limits = [
      { type: "local", requests: 100, per: "second" },
      { type: "global-by-address", requests: 30, per: "minute", ipv4PrefixLength: 32, ipv6PrefixLength: 64 },
      { type: "global", requests: 1000, per: "day" },
    ];
    assert.deepEqual(limit(limits), limits[1]);
    assert.equal(lowestLimit({ rateLimit: undefined }), undefined);
  });

  it("tests each limit at the first path that has it", () => {
    const hour = { type: "local", requests: 5, per: "hour" };
    const rateLimit = { ...hour, requests: 9 };
    const paths = ["/", "/api", { path: "/login", rateLimit: hour }, { path: "/health", rateLimit: false }];
    const [web] = stack({ services: [{ name: "web", namespace: "apps", rateLimit, paths }] }).services;
    assert.ok(web);
    assert.deepEqual(
      limitedRules(web).map(({ rule, limit: lowest }) => [rule.path, lowest.requests]),
      [
        ["/login", 5],
        ["/api", 9],
      ],
    );
  });

  it("tests none that refuses nobody, and goes by the burst", () => {
    const hour = { type: "local", requests: 100, per: "hour" };
    const tried = { type: "global", requests: 1, per: "day", enforce: false };
    assert.equal(limit([hour, tried]).type, "local");
    assert.equal(lowestLimit({ rateLimit: resolveRateLimits(rateLimitsSchema.parse(tried), undefined) }), undefined);
    const second = { type: "global", requests: 20, per: "second" };
    assert.equal(limit([{ ...hour, burst: 10 }, second]).type, "local");
    assert.equal(limit([{ ...hour, requests: 1, burst: 30 }, second]).type, "global");
    assert.match(whyNot(http, limit({ ...hour, per: "minute", burst: 500 })) ?? "", /more than 200 requests/);
    assert.match(whyNot(http, limit({ type: "global", requests: 5, per: "month" })) ?? "", /every client.*the month/);
  });

  it("skips limits that take many requests, or would keep others out for long", () => {
    assert.equal(whyNot(http, limit({ type: "local", requests: 200, per: "second" })), undefined);
    assert.equal(whyNot(http, limit({ type: "global", requests: 200, per: "minute" })), undefined);
    assert.match(whyNot(http, limit({ type: "local", requests: 201, per: "second" })) ?? "", /more than 200 requests/);
    assert.match(whyNot(http, limit({ type: "local", requests: 5, per: "hour" })) ?? "", /every client.*the hour/);
    assert.match(whyNot(http, limit({ type: "global", requests: 5, per: "day" })) ?? "", /every client.*the day/);
    const ours = { type: "local-by-header", header: "x-user", requests: 5, per: "hour" };
    assert.equal(whyNot(http, limit(ours)), undefined);
    const byAddress = { type: "local-by-address", requests: 5, per: "hour" };
    assert.equal(whyNot(http, limit(byAddress)), undefined);
    assert.match(
      whyNot(http, limit({ ...byAddress, ipv4PrefixLength: 24 })) ?? "",
      /every client of its block.*the hour/,
    );
    assert.match(whyNot({ protocol: "grpc" }, limit(ours)) ?? "", /gRPC/);
  });
});
