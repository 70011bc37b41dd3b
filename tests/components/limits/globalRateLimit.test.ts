import assert from "node:assert/strict";
import { globalRateLimitPatches } from "../../../components/limits/globalRateLimit";
import { rateLimitConfig } from "../../../components/limits/rateLimitDescriptors";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import type { ConfigPatch } from "../../../kinds/envoyFilter";
import { only, register, type Registered } from "../../support/deployment";
import { filterMap } from "../../support/filterMap";
import { schemaErrors } from "../../support/schemas";
import { plain, stack } from "../../support/stacks";

const limited = (rateLimit: unknown) => [
  { name: "web", namespace: "apps", paths: ["/", "/api"], rateLimit },
  { name: "free", namespace: "apps" },
];
const LIMIT = { type: "global", requests: 10, per: "minute" };
const PROXIES = { trustedProxies: 1, proxyAddresses: ["10.0.0.1"] };
const HEADER = { type: "global-by-header", requests: 5, per: "day", header: "X-User" };

/** The patches for a stack's global limits. */
function patches(values: Record<string, unknown>) {
  const { services, gateway, rateLimitService } = stack(values);
  assert.ok(rateLimitService);
  const { clientAddress } = gateway;
  return globalRateLimitPatches({ services, config: rateLimitService, gateway, clientAddress });
}

/** The filter that asks the service. */
function asking(values: Record<string, unknown>) {
  const found = patches(values).filter(({ patch }) => patch.value.name === "envoy.filters.http.ratelimit");
  assert.equal(found.length, 1);
  const [{ patch }] = found as [ConfigPatch];
  return { operation: patch.operation, ...(plain(patch.value) as { typed_config: { rate_limits: RateLimit[] } }) };
}

interface RateLimit {
  actions: Record<string, unknown>[];
}

/** What the map says about a rule: the limits in its slots. */
const slots = (values: Record<string, unknown>, rule: string) => {
  const filter = filterMap(patches(values), "global-rate-limit").filters[rule];
  return (filter as unknown as { metadata: { value: unknown }[] }).metadata[0]?.value;
};

const fromSlot = (slot: string, key: string) => ({
  metadata: {
    descriptor_key: key,
    metadata_key: { key: "unified-gateway.limits", path: [{ key: slot }, { key }] },
    source: "DYNAMIC",
  },
});
/** The first entries of every descriptor. */
const ofSlot = (slot: string) => [fromSlot(slot, "service"), fromSlot(slot, "limit")];

describe("components/globalRateLimit", () => {
  it("adds the filter that calls the rate limit service", () => {
    const host = "unified-gateway--rate-limit.istio-system.svc.cluster.local";
    assert.deepEqual(asking({ services: limited(LIMIT) }), {
      operation: "INSERT_BEFORE",
      name: "envoy.filters.http.ratelimit",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit",
        domain: "istio-system/unified-gateway",
        timeout: "0.1s",
        failure_mode_deny: false,
        status_on_error: { code: 503 },
        enable_x_ratelimit_headers: "DRAFT_VERSION_03",
        rate_limit_service: {
          transport_api_version: "V3",
          grpc_service: { envoy_grpc: { cluster_name: `outbound|8081||${host}`, authority: host } },
        },
        rate_limits: [
          { actions: [...ofSlot("any 1"), { generic_key: { descriptor_key: "client", descriptor_value: "any" } }] },
        ],
      },
    });
  });

  it("says what is counted for each rule of the limited service, and for no other, in front of that filter", () => {
    const filter = {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config",
      metadata: [
        {
          metadata_namespace: "unified-gateway.limits",
          value: { "any 1": { service: "web", limit: "global/minute" } },
        },
      ],
    };
    const given = patches({ services: limited(LIMIT) });
    assert.deepEqual(filterMap(given, "global-rate-limit"), {
      filters: { "web--api": filter, "web--root": filter },
      otherwise: undefined,
    });
    assert.deepEqual(
      given.filter(({ applyTo }) => applyTo === "HTTP_FILTER").map(({ patch }) => patch.value.name),
      ["unified-gateway.global-rate-limit", "envoy.filters.http.ratelimit"],
    );
  });

  it("has nothing without a limit", () => {
    const { services, gateway, rateLimitService: config } = stack({ services: limited(LIMIT) });
    assert.ok(config);
    assert.deepEqual(globalRateLimitPatches({ services: services.slice(1), config, gateway }), []);
  });

  it("has a filter for each answer to requests beyond a limit", () => {
    const given = { services: limited([LIMIT, { ...LIMIT, per: "day", status: 503 }, { ...LIMIT, enforce: false }]) };
    const slot = (limit: string) => ({ "any 1": { service: "web", limit } });
    assert.deepEqual(plain(filterMap(patches(given), "global-rate-limit").filters["web--root"]?.metadata), [
      { metadata_namespace: "unified-gateway.limits", value: slot("global/minute") },
      { metadata_namespace: "unified-gateway.limits-503", value: slot("global/day") },
      { metadata_namespace: "unified-gateway.limits-not-enforced", value: slot("global/minute/not-enforced") },
    ]);
    const filters = patches({ ...given, rateLimitService: { failureMode: "closed" } }).flatMap(({ patch }) => {
      const { name, typed_config } = patch.value as { name: string; typed_config?: Record<string, unknown> };
      return typed_config?.domain === undefined ? [] : [[name, typed_config] as const];
    });
    assert.deepEqual(
      filters.map(([name]) => name),
      ["envoy.filters.http.ratelimit", "unified-gateway.rate-limit-503", "unified-gateway.rate-limit-not-enforced"],
    );
    const [usual, busy, tried] = filters.map(([, config]) => config);
    assert.deepEqual([usual?.rate_limited_status, busy?.rate_limited_status], [undefined, { code: 503 }]);
    assert.deepEqual(
      [tried?.filter_enforced, tried?.failure_mode_deny, tried?.enable_x_ratelimit_headers, tried?.stat_prefix],
      [{ default_value: { numerator: 0, denominator: "HUNDRED" } }, false, "OFF", "not_enforced.ratelimit"],
    );
    assert.equal(usual?.failure_mode_deny, true);
    assert.match(JSON.stringify(tried?.rate_limits), /unified-gateway\.limits-not-enforced/);
  });

  it("counts a path's own limit for the path and what its canary always gets, and none of the service's", () => {
    const share = { type: "shared", name: "api" };
    const paths = [
      "/",
      { path: "/login", rateLimit: [{ ...LIMIT, requests: 1 }, share] },
      { path: "/health", rateLimit: false },
    ];
    const canary = { service: "next", percent: 1, override: { headers: { "x-next": "1" } } };
    const given = {
      services: [{ name: "web", namespace: "apps", rateLimit: [LIMIT, HEADER], paths, canary }],
      rateLimitService: { shared: { api: LIMIT } },
    };
    const ofPath = {
      "any 1": { service: "web--login", limit: "global/minute" },
      "any 2": { service: "shared/api", limit: "global/minute" },
    };
    assert.deepEqual(slots(given, "web--login"), ofPath);
    assert.deepEqual(slots(given, "web--login-canary"), ofPath);
    assert.deepEqual(slots(given, "web--root"), {
      "any 1": { service: "web", limit: "global/minute" },
      "header x-user 1": { service: "web", limit: "global-by-header/x-user/day" },
    });
    assert.equal(filterMap(patches(given), "global-rate-limit").filters["web--health"], undefined);
    const { services, gateway } = stack(given);
    assert.deepEqual(
      rateLimitConfig(services, gateway).descriptors.map(({ value, descriptors }) => [
        value,
        descriptors?.map((limit) => [limit.value, limit.descriptors?.[0]?.rate_limit?.requests_per_unit]),
      ]),
      [
        ["web--login", [["global/minute", 1]]],
        ["shared/api", [["global/minute", 10]]],
        [
          "web",
          [
            ["global/minute", 10],
            ["global-by-header/x-user/day", 5],
          ],
        ],
      ],
    );
  });

  it("counts what services share once", () => {
    const share = { type: "shared", name: "api" };
    const given = {
      services: [
        { name: "web", namespace: "apps", rateLimit: [share, HEADER] },
        { name: "two", namespace: "apps", rateLimit: share },
      ],
      rateLimitService: { shared: { api: LIMIT } },
    };
    const api = { service: "shared/api", limit: "global/minute" };
    assert.deepEqual(slots(given, "two--root"), { "any 1": api });
    assert.deepEqual(slots(given, "web--root"), {
      "any 1": api,
      "header x-user 1": { service: "web", limit: "global-by-header/x-user/day" },
    });
    const { services, gateway } = stack(given);
    const { descriptors } = rateLimitConfig(services, gateway);
    assert.deepEqual(
      descriptors.map(({ value, descriptors: limits }) => [value, limits?.map((limit) => limit.value)]),
      [
        ["shared/api", ["global/minute"]],
        ["web", ["global-by-header/x-user/day"]],
      ],
    );
  });

  it("applies the failure mode, the timeout and the namespace", () => {
    const rateLimitService = { failureMode: "closed", timeout: "1m30s", namespace: "limits" };
    const text = JSON.stringify(asking({ services: limited(LIMIT), rateLimitService }));
    assert.match(text, /"failure_mode_deny":true/);
    assert.match(text, /"timeout":"90s"/);
    assert.match(text, /outbound\|8081\|\|unified-gateway--rate-limit-[0-9a-f]{10}\.limits\.svc/);
  });

  it("describes each limit to Envoy as the service expects it", () => {
    const given = { services: limited([{ ...LIMIT, type: "global-by-address" }, HEADER]) };
    const { services } = stack(given);
    const [byAddress, byHeader] = ["address 32 64 1", "header x-user 1"];
    assert.deepEqual(slots(given, "web--root"), {
      [byAddress]: { service: "web", limit: "global-by-address/minute" },
      [byHeader]: { service: "web", limit: "global-by-header/x-user/day" },
    });
    assert.deepEqual(asking(given).typed_config.rate_limits, [
      {
        actions: [
          ...ofSlot(byAddress),
          { generic_key: { descriptor_key: "ipv4_mapped", descriptor_value: "false" } },
          { masked_remote_address: { v4_prefix_mask_len: 32, v6_prefix_mask_len: 64 } },
        ],
      },
      { actions: [...ofSlot(byHeader), { request_headers: { header_name: "x-user", descriptor_key: "client" } }] },
      {
        actions: [
          ...ofSlot(byHeader),
          {
            header_value_match: {
              descriptor_key: "client_without",
              descriptor_value: "x-user",
              expect_match: false,
              headers: [{ name: "x-user", present_match: true }],
            },
          },
        ],
      },
    ]);
    assert.deepEqual(plain(rateLimitConfig(services, { name: "edge", namespace: "gateways" })), {
      domain: "gateways/edge",
      descriptors: [
        {
          key: "service",
          value: "web",
          descriptors: [
            {
              key: "limit",
              value: "global-by-address/minute",
              descriptors: ["false", "true"].map((value) => ({
                key: "ipv4_mapped",
                value,
                descriptors: [{ key: "masked_remote_address", rate_limit: { unit: "minute", requests_per_unit: 10 } }],
              })),
            },
            {
              key: "limit",
              value: "global-by-header/x-user/day",
              descriptors: [
                { key: "client", rate_limit: { unit: "day", requests_per_unit: 5 } },
                { key: "client_without", value: "x-user", rate_limit: { unit: "day", requests_per_unit: 5 } },
              ],
            },
          ],
        },
      ],
    });
  });

  it("gives each limit of a service a slot of its own, which services share if they tell clients apart alike", () => {
    const byAddress = (more: object) => ({ ...LIMIT, type: "global-by-address", ...more });
    const given = {
      services: [
        { name: "web", namespace: "apps", rateLimit: [LIMIT, { ...LIMIT, per: "hour" }, HEADER] },
        {
          name: "api",
          namespace: "apps",
          rateLimit: [
            { ...LIMIT, per: "day" },
            byAddress({ per: "second" }),
            byAddress({ ipv4PrefixLength: 24 }),
            { ...HEADER, header: "x-user" },
          ],
        },
      ],
    };
    const limit = (service: string, name: string) => ({ service, limit: name });
    assert.deepEqual(slots(given, "web--root"), {
      "any 1": limit("web", "global/minute"),
      "any 2": limit("web", "global/hour"),
      "header x-user 1": limit("web", "global-by-header/x-user/day"),
    });
    assert.deepEqual(slots(given, "api--root"), {
      "any 1": limit("api", "global/day"),
      "address 32 64 1": limit("api", "global-by-address/second"),
      "address 24 64 1": limit("api", "global-by-address/minute"),
      "header x-user 1": limit("api", "global-by-header/x-user/day"),
    });
    assert.deepEqual(
      asking(given).typed_config.rate_limits.map(({ actions }) => actions.slice(0, 2)),
      ["any 1", "any 2", "header x-user 1", "header x-user 1", "address 32 64 1", "address 24 64 1"].map(ofSlot),
    );
  });
});

describe("components/globalRateLimit, behind proxies", () => {
  it("tells IPv4-mapped addresses from others, with the prefix of IPv4", () => {
    const given = { services: limited({ ...LIMIT, type: "global-by-address" }), gateway: { clientAddress: PROXIES } };
    const { rate_limits: limits } = asking(given).typed_config;
    assert.deepEqual(
      limits.map(({ actions }) => actions.slice(2).map((action) => Object.entries(action)[0])),
      [
        ["false", true, 64],
        ["true", false, 128],
      ].map(([descriptor_value, invert_match, v6_prefix_mask_len]) => [
        [
          "remote_address_match",
          {
            descriptor_key: "ipv4_mapped",
            descriptor_value,
            address_matcher: { ranges: [{ address_prefix: "::ffff:0:0", prefix_len: 96 }], invert_match },
          },
        ],
        ["masked_remote_address", { v4_prefix_mask_len: 32, v6_prefix_mask_len }],
      ]),
    );
  });
});

type Json = Record<string, unknown>;

interface PodSpec {
  securityContext: Json;
  automountServiceAccountToken: boolean;
  volumes: Json[];
  containers: Json[];
}

/** A Deployment's Pod spec. */
function podOf({ inputs }: Registered) {
  const { template } = inputs.spec as { template: { spec: PodSpec } };
  return { ...template.spec, container: template.spec.containers[0] ?? {} };
}

describe("components/rateLimitService", () => {
  const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
  const CONFIG_MAP = "kubernetes:core/v1:ConfigMap";
  const LIMITER = "gateway-rate-limit-service";
  const REDIS = `${LIMITER}-redis`;
  const deploy = (values: Json, secretKeys: string[] = []) =>
    register(() => new UnifiedGateway("gateway", stack({ services: limited(LIMIT), ...values }, secretKeys)));
  let resources: Registered[];
  before(async () => {
    resources = await deploy({});
  });

  it("creates the service and its Redis, with objects that the CRDs accept", () => {
    const made = resources
      .filter(({ name }) => name.startsWith(LIMITER))
      .map(
        ({ type, inputs }) =>
          `${type.split(":").at(-1) ?? ""} ${(inputs.metadata as Json | undefined)?.name as string}`,
      )
      .filter((line) => !line.startsWith("ConfigMap"));
    const [service, redis] = ["unified-gateway--rate-limit", "unified-gateway--rate-limit-redis"];
    assert.deepEqual(made.sort(), [
      `Deployment ${service}`,
      `Deployment ${redis}`,
      `PodDisruptionBudget ${service}`,
      "RandomPassword undefined",
      "RateLimitRedis undefined",
      "RateLimitService undefined",
      `Secret ${redis}`,
      `Service ${service}`,
      `Service ${redis}`,
    ]);
    assert.deepEqual(schemaErrors("standard", resources), []);
  });

  it("creates nothing if there is no global limit", async () => {
    const all = await deploy({ services: limited({ ...LIMIT, type: "local" }) });
    assert.ok(!all.some(({ name, type }) => name.includes("global") || type === DEPLOYMENT));
  });

  it("gives its Pods no more rights than they need", () => {
    for (const [name, user] of [
      [LIMITER, 65532],
      [REDIS, 999],
    ] as const) {
      const { container, ...pod } = podOf(only(resources, DEPLOYMENT, name));
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      assert.deepEqual(pod.securityContext, {
        runAsNonRoot: true,
        runAsUser: user,
        runAsGroup: user,
        fsGroup: user,
        seccompProfile: { type: "RuntimeDefault" },
      });
      assert.equal(pod.automountServiceAccountToken, false);
      assert.deepEqual(container.resources, {
        requests: { cpu: "100m", memory: "128Mi" },
        limits: { memory: "128Mi" },
      });
      assert.ok(container.readinessProbe !== undefined && container.livenessProbe !== undefined);
    }
  });

  it("selects exactly its own Pods, in the Service and in the PodDisruptionBudget", () => {
    const labels = {
      "app.kubernetes.io/name": "ratelimit",
      "app.kubernetes.io/instance": "unified-gateway--rate-limit",
    };
    const { inputs } = only(resources, DEPLOYMENT, LIMITER);
    const spec = inputs.spec as { selector: unknown; template: { metadata: { labels: unknown } } };
    assert.deepEqual(spec.selector, { matchLabels: labels });
    const part = {
      "app.kubernetes.io/part-of": "unified-gateway",
      "unified-gateway/gateway-namespace": "istio-system",
    };
    assert.deepEqual(spec.template.metadata.labels, { ...part, ...labels });
    assert.deepEqual(only(resources, "kubernetes:core/v1:Service", LIMITER).inputs.spec, {
      selector: labels,
      ports: [{ name: "grpc", port: 8081, targetPort: "grpc" }],
    });
    assert.deepEqual(only(resources, "kubernetes:policy/v1:PodDisruptionBudget", LIMITER).inputs.spec, {
      maxUnavailable: 1,
      selector: { matchLabels: labels },
    });
  });

  it("reads the password from a Secret, and never has it in the clear", () => {
    const { container } = podOf(only(resources, DEPLOYMENT, LIMITER));
    const env = container.env as { name: string; value?: string; valueFrom?: unknown }[];
    assert.deepEqual(env.find(({ name }) => name === "REDIS_AUTH")?.valueFrom, {
      secretKeyRef: { name: "unified-gateway--rate-limit-redis", key: "password" },
    });
    const url = env.find(({ name }) => name === "REDIS_URL")?.value;
    assert.equal(url, "unified-gateway--rate-limit-redis.istio-system.svc.cluster.local:6379");
    const redis = podOf(only(resources, DEPLOYMENT, REDIS)).container;
    assert.deepEqual(
      [redis.command, redis.args, redis.env],
      [["redis-server", "/config/redis.conf"], undefined, undefined],
    );
    const { inputs } = only(resources, "random:index/randomPassword:RandomPassword");
    assert.deepEqual(inputs, { length: 32, special: false });
  });

  it("has a config whose name changes with its limits, which rolls out new Pods", async () => {
    const nameOf = (all: readonly Registered[]) =>
      (only(all, CONFIG_MAP, LIMITER).inputs.metadata as { name: string }).name;
    const changed = await deploy({ services: limited({ ...LIMIT, requests: 11 }) });
    assert.match(nameOf(resources), /^unified-gateway--rate-limit-[0-9a-f]{10}$/);
    assert.notEqual(nameOf(changed), nameOf(resources));
    assert.equal(nameOf(await deploy({})), nameOf(resources));
    const { volumes } = podOf(only(changed, DEPLOYMENT, LIMITER));
    assert.deepEqual(volumes, [{ name: "config", configMap: { name: nameOf(changed) } }]);
  });

  it("uses an external Redis if configured", async () => {
    const redis = { type: "external", host: "redis.example.test", password: "hunter22" };
    const external = await deploy({ rateLimitService: { redis, replicas: 3 } }, ["rateLimitService"]);
    const deployment = only(external, DEPLOYMENT);
    assert.equal((deployment.inputs.spec as Json).replicas, 3);
    const env = podOf(deployment).container.env as { name: string; value?: string }[];
    const value = (wanted: string) => env.find(({ name }) => name === wanted)?.value;
    assert.deepEqual([value("REDIS_URL"), value("REDIS_TLS")], ["redis.example.test:6379", "true"]);
    assert.doesNotMatch(JSON.stringify(deployment.inputs), /hunter22/);
  });
});
