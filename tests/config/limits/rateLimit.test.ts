import assert from "node:assert/strict";
import { globalLimitsOf, localLimitOf } from "../../../config/schema/limits/rateLimit";
import { dependsOnAddress } from "../../../config/resolve/entrance";
import { refuses, mistakes, plain, stack } from "../../support/stacks";

const LIMIT = { type: "global", requests: 10, per: "minute" };
const services = (rateLimit?: unknown) => [{ name: "web", namespace: "apps", rateLimit }];

describe("config/rateLimit, several", () => {
  const refusesLimits = (rateLimit: unknown, path: string, reason: RegExp) =>
    refuses({ services: services(rateLimit) }, `services[0].rateLimit${path}`, reason);

  it("accepts one limit or a list, and tells local from global", () => {
    const [local, byAddress] = [
      { type: "local", requests: 1, per: "second" },
      { type: "global-by-address", requests: 2, per: "day", ipv4PrefixLength: 32, ipv6PrefixLength: 64 },
    ];
    const rule = (rateLimit: unknown) => stack({ services: services(rateLimit) }).services[0]?.rules[0] ?? {};
    assert.deepEqual(localLimitOf(rule([LIMIT, local, byAddress])), local);
    assert.deepEqual(globalLimitsOf(rule([LIMIT, local, byAddress])), [LIMIT, byAddress]);
    assert.deepEqual(globalLimitsOf(rule(LIMIT)), [LIMIT]);
    assert.equal(localLimitOf(rule(LIMIT)), undefined);
  });

  it("reports where in a list a mistake is", () => {
    refusesLimits([LIMIT, { ...LIMIT, requests: 0 }], "[1].requests", /from 1 to/);
    refusesLimits([{ ...LIMIT, burst: 1 }], "[0].burst", /one of the keys type, requests, per/);
    refusesLimits({ ...LIMIT, request: 1 }, ".request", /the key requests/);
    refusesLimits([{ ...LIMIT, per: "fortnight" }], "[0].per", /second, minute, hour, day, week, month or year/);
    refusesLimits([{ ...LIMIT, status: 403 }], "[0].status", /429 or 503/);
    refusesLimits([{ ...LIMIT, enforce: "no" }], "[0].enforce", /true or false/);
    refusesLimits({ type: "local", requests: 1, per: "hour", burst: 0 }, ".burst", /from 1 to/);
    refusesLimits([{ ...LIMIT, type: "globl" }], "[0].type", /one of local, .*global-by-header/);
    refusesLimits([], "", /at least one limit/);
    refusesLimits("100/s", "", /one of local, /);
  });

  it("takes a limit that is not enforced beside one that is", () => {
    assert.deepEqual(mistakes({ services: services([LIMIT, { ...LIMIT, enforce: false }]) }), []);
  });

  it("refuses a status for gRPC", () => {
    const grpc = (rateLimit: unknown) => services(rateLimit).map((one) => ({ ...one, protocol: "grpc" }));
    refuses({ services: grpc({ ...LIMIT, status: 503 }) }, "services[0].rateLimit.status", /a status of gRPC/);
    refuses(
      { services: grpc([LIMIT, { ...LIMIT, per: "day", status: 503 }]) },
      "services[0].rateLimit[1].status",
      /gRPC/,
    );
  });

  it("refuses limits that cannot be told apart", () => {
    const local = { type: "local", requests: 1, per: "second" };
    refusesLimits([LIMIT, { ...LIMIT, requests: 5 }], "[1].type", /other than that of services\[0\]\.rateLimit\[0\]/);
    refusesLimits([local, { ...local, type: "local-by-address" }], "[1].type", /a global type, since/);
    const byHeader = { ...LIMIT, type: "global-by-header" };
    refusesLimits(
      [
        { ...byHeader, header: "X-User" },
        { ...byHeader, header: "x-user" },
      ],
      "[1].type",
      /other than/,
    );
    const accepted = [LIMIT, { ...LIMIT, per: "hour" }, { ...byHeader, header: "a" }, { ...byHeader, header: "b" }];
    assert.deepEqual(mistakes({ services: services(accepted) }), []);
  });
});

describe("config/rateLimitService.shared", () => {
  const shared = { api: { ...LIMIT, status: 503 }, keys: { ...LIMIT, type: "global-by-header", header: "x-key" } };
  const both = [
    { type: "shared", name: "api" },
    { type: "shared", name: "keys" },
  ];

  it("is written out where a service names it", () => {
    const [one, two] = stack({
      services: [...services(both[0]), { name: "two", namespace: "apps", rateLimit: both }],
      rateLimitService: { shared },
    }).services;
    assert.deepEqual(plain(one?.rules[0]?.rateLimit), { ...shared.api, shared: "api" });
    assert.deepEqual(plain(two?.rules[0]?.rateLimit), [
      { ...shared.api, shared: "api" },
      { ...shared.keys, shared: "keys" },
    ]);
  });

  it("refuses unknown names, limits that nobody shares, and local ones", () => {
    const refusesShared = (rateLimit: unknown, path: string, reason: RegExp, given: unknown = shared) =>
      refuses({ services: services(rateLimit), rateLimitService: { shared: given } }, path, reason);
    refusesShared([...both, { type: "shared", name: "app" }], "services[0].rateLimit[2].name", /shared: api, keys$/);
    refuses({ services: services(both[0]) }, "services[0].rateLimit.name", /in rateLimitService\.shared$/);
    refusesShared(both[0], "rateLimitService.shared.keys", /name: keys \}: without one, nothing is counted/);
    refusesShared(
      [...both, both[0]],
      "services[0].rateLimit[2].type",
      /other than .*rateLimit\[0\], which is the same/,
    );
    const local = { api: { type: "local", requests: 1, per: "second" } };
    refusesShared(both[0], "rateLimitService.shared.api.type", /one of global, global-by-address/, local);
    const underscore = { api: { ...shared.keys, header: "x_key" } };
    refusesShared(both[0], "rateLimitService.shared.api.header", /a header without '_'/, underscore);
  });

  it("needs to know clients where it counts by address", () => {
    const address = { api: { ...LIMIT, type: "global-by-address" } };
    const [web] = stack({ services: services(both[0]), rateLimitService: { shared: address } }).services;
    assert.ok(web && dependsOnAddress(web));
  });
});

describe("config/rateLimit, of a path", () => {
  const at = "services[0].paths[1].rateLimit";
  const web = (rateLimit: unknown, more: object = {}) => [
    { name: "web", namespace: "apps", paths: ["/", { path: "/login", rateLimit }], ...more },
  ];
  const local = { type: "local", requests: 1, per: "second" };

  it("refuses what a service's may not be, with its key path", () => {
    refuses({ services: web(true) }, at, /one of local, /);
    refuses({ services: web({ ...local, requests: 0 }) }, `${at}.requests`, /from 1 to/);
    refuses({ services: web([local, { ...local, per: "week" }]) }, `${at}[1].per`, /second, minute, hour or day/);
    refuses({ services: web([local, local]) }, `${at}[1].type`, /since services\[0\]\.paths\[1\]\.rateLimit\[0\] is/);
    const grpc = web({ ...local, status: 503 }, { protocol: "grpc" });
    refuses({ services: grpc }, `${at}.status`, /a status of gRPC/);
    refuses({ services: web({ type: "shared", name: "none" }) }, `${at}.name`, /in rateLimitService\.shared$/);
    const byHeader = { ...local, type: "local-by-header", header: "x_key" };
    refuses({ services: web(byHeader) }, `${at}.header`, /a header without '_'/);
    const service = { externalTrafficPolicy: "Cluster" };
    const byAddress = {
      services: web({ ...local, type: "local-by-address" }),
      gateway: { infrastructure: { service } },
    };
    refuses(byAddress, "gateway.infrastructure.service.externalTrafficPolicy", /services\[0\] needs client addresses/);
  });

  it("may be the same as the service's, be turned off, and be the only one that is counted globally", () => {
    assert.deepEqual(mistakes({ services: web(local, { rateLimit: local }) }), []);
    assert.deepEqual(mistakes({ services: web(false) }), []);
    const rateLimitService = { shared: { plan: LIMIT } };
    const config = stack({ services: web({ type: "shared", name: "plan" }), rateLimitService });
    assert.equal(config.rateLimitService?.namespace, "istio-system");
    assert.equal(stack({ services: web(false, { rateLimit: local }) }).rateLimitService, undefined);
  });
});

describe("config/rateLimitService", () => {
  const refusesService = (given: unknown, path: string, reason: RegExp, secretKeys: string[] = []) =>
    refuses({ services: services(LIMIT), rateLimitService: given }, `rateLimitService${path}`, reason, secretKeys);

  it("is on if a service has a global limit, in the Gateway's namespace", () => {
    const { rateLimitService } = stack({ services: services(LIMIT), gateway: { namespace: "edge" } });
    assert.equal(rateLimitService?.namespace, "edge");
    assert.deepEqual(
      [rateLimitService.replicas, rateLimitService.failureMode, rateLimitService.timeout, rateLimitService.redis.type],
      [2, "open", "100ms", "own"],
    );
    assert.equal(stack().rateLimitService, undefined);
  });

  it("is refused if unused, unless a service is itself wrong", () => {
    refuses({ rateLimitService: { replicas: 3 } }, "rateLimitService", /a service with a global rate limit/);
    const wrong = services({ ...LIMIT, requests: 0 });
    refuses({ rateLimitService: { replicas: 3 }, services: wrong }, "services[0].rateLimit.requests", /from 1 to/);
  });

  it("refuses images that may change, and invalid amounts", () => {
    refusesService({ image: "docker.io/envoyproxy/ratelimit" }, ".image", /tag other than latest/);
    refusesService({ image: "envoyproxy/ratelimit:latest" }, ".image", /tag other than latest/);
    refusesService({ redis: { type: "own", image: "redis" } }, ".redis.image", /tag other than latest/);
    refusesService({ resources: { cpu: "much" } }, ".resources.cpu", /amount of CPU/);
    refusesService({ resources: { memory: "1Mi" } }, ".resources.memory", /from 16Mi to 64Gi/);
    refusesService({ replicas: 0 }, ".replicas", /from 1 to 20/);
    refusesService({ timeout: "0s" }, ".timeout", /above 0/);
    refusesService({ failureMode: "ajar" }, ".failureMode", /open or closed/);
    const digest = `ghcr.io/x/ratelimit@sha256:${"0".repeat(64)}`;
    const accepted = { services: services(LIMIT), rateLimitService: { image: digest } };
    assert.deepEqual(mistakes(accepted), []);
  });

  it("refuses a Redis without a host, and a plain-text password, which it does not show", () => {
    refusesService({ redis: { type: "external" } }, ".redis.host", /IP address or a host name/);
    refusesService({ redis: { type: "cluster" } }, ".redis.type", /one of own, external/);
    refusesService({ redis: { type: "own", host: "r.example.test" } }, ".redis.host", /keys type, image, resources/);
    const redis = { type: "external", host: "r.example.test", password: "hunter22" };
    refusesService({ redis }, ".redis.password", /^(?!.*hunter22).*\[hidden\].*a Pulumi secret/);
    assert.deepEqual(mistakes({ services: services(LIMIT), rateLimitService: { redis } }, ["rateLimitService"]), []);
  });

  it("refuses a gateway whose name makes the Services' names too long", () => {
    const values = { services: services(LIMIT), gateway: { name: "g".repeat(46) } };
    refuses(values, "gateway.name", /at most 45 characters/);
    assert.deepEqual(mistakes({ ...values, gateway: { name: "g".repeat(45) } }), []);
  });
});
