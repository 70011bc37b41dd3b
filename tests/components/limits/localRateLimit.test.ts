import assert from "node:assert/strict";
import { localRateLimitPatches, routeLimit } from "../../../components/limits/localRateLimit";
import { mistakes, plain, stack } from "../../support/stacks";

const services = (rateLimit: unknown) => [
  { name: "web", namespace: "apps", paths: ["/", "/api"], rateLimit },
  { name: "free", namespace: "apps" },
];

describe("components/localRateLimit", () => {
  const patches = localRateLimitPatches(
    stack({ services: services({ type: "local", requests: 100, per: "second" }) }).services,
  );

  it("adds the filter without a bucket, and a bucket to each rule of the limited service", () => {
    const [filter, ...routes] = patches;
    assert.equal(filter?.applyTo, "HTTP_FILTER");
    assert.doesNotMatch(JSON.stringify(filter), /token_bucket/);
    assert.deepEqual(
      routes.map(({ match }) => match),
      ["web--api", "web--root"].map((name) => ({
        context: "GATEWAY",
        routeConfiguration: {
          portNumber: 443,
          vhost: { name: "web.example.test:443", route: { name, action: "ROUTE" } },
        },
      })),
    );
  });

  it("creates nothing if nothing is limited", () => {
    assert.deepEqual(localRateLimitPatches(stack().services), []);
  });

  it("counts per rule, per address, or per value of a header", () => {
    const bucket = { max_tokens: 6, tokens_per_fill: 6, fill_interval: "60s" };
    const limit = { requests: 6, per: "minute" as const };
    assert.deepEqual(routeLimit({ type: "local", ...limit }).token_bucket, bucket);
    assert.equal(routeLimit({ type: "local", ...limit }).descriptors, undefined);
    const byAddress = routeLimit({ type: "local-by-address", ...limit, maxClients: 7 });
    assert.deepEqual(plain([byAddress.rate_limits, byAddress.descriptors, byAddress.max_dynamic_descriptors]), [
      [{ actions: [{ remote_address: {} }] }],
      [{ entries: [{ key: "remote_address" }], token_bucket: bucket }],
      7,
    ]);
    const byHeader = routeLimit({ type: "local-by-header", ...limit, maxClients: 7, header: "X-User" });
    assert.deepEqual(byHeader.rate_limits, [
      { actions: [{ request_headers: { header_name: "x-user", descriptor_key: "client" } }] },
    ]);
  });
});

describe("config/rateLimit", () => {
  const refuses = (rateLimit: unknown, path: string, reason: RegExp) => {
    const lines = mistakes({ services: services(rateLimit) });
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.ok(lines[0]?.startsWith(`istio-gateway:services[0].rateLimit${path}: `), lines[0]);
    assert.match(lines[0] ?? "", reason);
  };

  it("refuses a rate of 0, unknown units and types, and invalid header names", () => {
    refuses({ type: "local", requests: 0, per: "second" }, ".requests", /from 1 to/);
    refuses({ type: "local", requests: 1, per: "day" }, ".per", /second, minute or hour/);
    refuses({ type: "globl", requests: 1, per: "second" }, ".type", /one of local/);
    refuses({ type: "local-by-header", requests: 1, per: "second", header: "a b" }, ".header", /header name/);
    refuses({ type: "local-by-header", requests: 1, per: "second" }, ".header", /header name/);
  });
});
