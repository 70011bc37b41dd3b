import assert from "node:assert/strict";
import { localRateLimit, localRateLimitPatches } from "../../../components/limits/localRateLimit";
import { filterMap } from "../../support/filterMap";
import { refuses as refusesConfig, plain, stack } from "../../support/stacks";

const services = (rateLimit: unknown) => [
  { name: "web", namespace: "apps", paths: ["/", "/api"], rateLimit },
  { name: "free", namespace: "apps" },
];

const PREFIXES = { ipv4PrefixLength: 24, ipv6PrefixLength: 56 };

describe("components/localRateLimit", () => {
  it("gives each rule of a limited service a bucket, counted by service, and no other request", () => {
    const limit = { type: "local" as const, requests: 100, per: "second" as const };
    const filter = { ...localRateLimit(limit), stat_prefix: "web" };
    assert.deepEqual(
      filterMap(localRateLimitPatches(stack({ services: services(limit) }).services), "local-rate-limit"),
      { filters: { "web--api": filter, "web--root": filter }, otherwise: undefined },
    );
  });

  it("takes a path's own limit in place of the service's, or none", () => {
    const limit = { type: "local" as const, requests: 100, per: "second" as const };
    const own = { ...limit, requests: 5 };
    const paths = ["/", { path: "/login", rateLimit: own }, { path: "/health", rateLimit: false }];
    const given = [{ name: "web", namespace: "apps", rateLimit: limit, paths }];
    assert.deepEqual(
      filterMap(localRateLimitPatches(stack({ services: given }).services), "local-rate-limit").filters,
      {
        "web--login": { ...localRateLimit(own), stat_prefix: "web" },
        "web--root": { ...localRateLimit(limit), stat_prefix: "web" },
      },
    );
  });

  it("enforces the limit on every request, tells clients how much is left, and gRPC clients not to retry at once", () => {
    const limit = { type: "local" as const, requests: 100, per: "second" as const };
    const always = { default_value: { numerator: 100, denominator: "HUNDRED" } };
    assert.deepEqual(localRateLimit(limit), {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
      stat_prefix: "local_rate_limit",
      token_bucket: { max_tokens: 100, tokens_per_fill: 100, fill_interval: "1s" },
      filter_enabled: always,
      filter_enforced: always,
      enable_x_ratelimit_headers: "DRAFT_VERSION_03",
      rate_limited_as_resource_exhausted: true,
    });
  });

  it("takes a burst apart from the rate, for each client too, and a unit of a day", () => {
    const limit = { requests: 600, per: "day" as const, burst: 7 };
    const bucket = { max_tokens: 7, tokens_per_fill: 600, fill_interval: "86400s" };
    assert.deepEqual(localRateLimit({ type: "local", ...limit }).token_bucket, bucket);
    const { descriptors } = localRateLimit({ type: "local-by-header", ...limit, maxClients: 7, header: "a" });
    assert.deepEqual(descriptors, [{ entries: [{ key: "client" }], token_bucket: bucket }]);
  });

  it("answers with another status", () => {
    const limit = { type: "local" as const, requests: 1, per: "hour" as const };
    assert.deepEqual(localRateLimit({ ...limit, status: 503 }).status, { code: 503 });
    assert.equal("status" in localRateLimit(limit), false);
  });

  it("counts under another name what is not enforced, and tells clients nothing", () => {
    const limit = { type: "local" as const, requests: 1, per: "hour" as const, enforce: false };
    const { filters } = filterMap(
      localRateLimitPatches(stack({ services: services(limit) }).services),
      "local-rate-limit",
    );
    const filter = filters["web--root"];
    const share = (numerator: number) => ({ default_value: { numerator, denominator: "HUNDRED" } });
    assert.deepEqual(
      [filter?.stat_prefix, filter?.filter_enabled, filter?.filter_enforced, filter?.enable_x_ratelimit_headers],
      ["web--not-enforced", share(100), share(0), undefined],
    );
  });

  it("creates nothing if nothing is limited", () => {
    assert.deepEqual(localRateLimitPatches(stack().services), []);
  });

  it("counts per rule, per address, or per value of a header", () => {
    const bucket = { max_tokens: 6, tokens_per_fill: 6, fill_interval: "60s" };
    const limit = { requests: 6, per: "minute" as const };
    assert.deepEqual(localRateLimit({ type: "local", ...limit }).token_bucket, bucket);
    assert.equal(localRateLimit({ type: "local", ...limit }).descriptors, undefined);
    const byAddress = localRateLimit({ type: "local-by-address", ...limit, maxClients: 7, ...PREFIXES });
    assert.deepEqual(plain([byAddress.rate_limits, byAddress.descriptors, byAddress.max_dynamic_descriptors]), [
      [
        {
          actions: [
            { generic_key: { descriptor_key: "ipv4_mapped", descriptor_value: "false" } },
            { masked_remote_address: { v4_prefix_mask_len: 24, v6_prefix_mask_len: 56 } },
          ],
        },
      ],
      [{ entries: [{ key: "ipv4_mapped", value: "false" }, { key: "masked_remote_address" }], token_bucket: bucket }],
      7,
    ]);
    const byHeader = localRateLimit({ type: "local-by-header", ...limit, maxClients: 7, header: "X-User" });
    assert.deepEqual(byHeader.rate_limits, [
      { actions: [{ request_headers: { header_name: "x-user", descriptor_key: "client" } }] },
    ]);
  });
});

describe("components/localRateLimit, behind proxies that tell the client's address", () => {
  const limit = { type: "local-by-address" as const, requests: 6, per: "minute" as const, maxClients: 7, ...PREFIXES };

  it("counts IPv4-mapped addresses by the prefix of IPv4, and apart from those of IPv6", () => {
    for (const clientAddress of [
      { trustedProxies: 1, proxyProtocol: false },
      { trustedProxies: 0, proxyProtocol: true },
    ]) {
      const { rate_limits: limits, descriptors } = localRateLimit(limit, clientAddress);
      const ranges = [{ address_prefix: "::ffff:0:0", prefix_len: 96 }];
      const isMapped = (value: string, invert_match: boolean) => ({
        remote_address_match: {
          descriptor_key: "ipv4_mapped",
          descriptor_value: value,
          address_matcher: { ranges, invert_match },
        },
      });
      assert.deepEqual(limits, [
        {
          actions: [
            isMapped("false", true),
            { masked_remote_address: { v4_prefix_mask_len: 24, v6_prefix_mask_len: 56 } },
          ],
        },
        {
          actions: [
            isMapped("true", false),
            { masked_remote_address: { v4_prefix_mask_len: 24, v6_prefix_mask_len: 120 } },
          ],
        },
      ]);
      assert.deepEqual(
        (descriptors as { entries: unknown }[]).map(({ entries }) => entries),
        ["false", "true"].map((value) => [{ key: "ipv4_mapped", value }, { key: "masked_remote_address" }]),
      );
    }
    const direct = localRateLimit(limit, { trustedProxies: 0, proxyProtocol: false });
    assert.deepEqual(direct, localRateLimit(limit));
  });
});

describe("config/rateLimit", () => {
  const refuses = (rateLimit: unknown, path: string, reason: RegExp) => {
    refusesConfig({ services: services(rateLimit) }, `services[0].rateLimit${path}`, reason);
  };

  it("refuses a rate of 0, unknown units and types, and invalid header names", () => {
    refuses({ type: "local", requests: 0, per: "second" }, ".requests", /from 1 to/);
    refuses({ type: "local", requests: 1, per: "week" }, ".per", /second, minute, hour or day/);
    refuses({ type: "globl", requests: 1, per: "second" }, ".type", /one of local/);
    refuses({ type: "local-by-header", requests: 1, per: "second", header: "a b" }, ".header", /header name/);
    refuses({ type: "local-by-header", requests: 1, per: "second" }, ".header", /header name/);
  });

  it("counts an IPv4 address, and a /64 of IPv6, as one client unless told otherwise", () => {
    for (const type of ["local-by-address", "global-by-address"]) {
      const limit = { type, requests: 1, per: "second" };
      const {
        services: [web],
      } = stack({ services: services(limit) });
      assert.deepEqual(plain(web?.rules[0]?.rateLimit), {
        ...limit,
        ...(type === "local-by-address" ? { maxClients: 10_000 } : {}),
        ipv4PrefixLength: 32,
        ipv6PrefixLength: 64,
      });
      refuses({ ...limit, ipv6PrefixLength: 129 }, ".ipv6PrefixLength", /from 1 to 128/);
      refuses({ ...limit, ipv4PrefixLength: 0 }, ".ipv4PrefixLength", /from 1 to 32/);
    }
    refuses(
      { type: "local", requests: 1, per: "second", ipv6PrefixLength: 64 },
      ".ipv6PrefixLength",
      /not allowed|key/,
    );
  });
});
