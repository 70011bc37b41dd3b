import assert from "node:assert/strict";
import { globalRateLimitPatches } from "../../../components/limits/globalRateLimit";
import { rateLimitConfig, routeRateLimits } from "../../../components/limits/rateLimitDescriptors";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { only, register, type Registered } from "../../support/deployment";
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

describe("components/globalRateLimit", () => {
  it("adds the filter that calls the rate limit service", () => {
    const [filter] = patches({ services: limited(LIMIT) });
    const host = "unified-gateway--rate-limit.istio-system.svc.cluster.local";
    assert.deepEqual(filter?.patch, {
      operation: "INSERT_BEFORE",
      value: {
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
        },
      },
    });
  });

  it("counts for each rule of the limited service, and for no other", () => {
    const [, ...routes] = patches({ services: limited(LIMIT) });
    assert.deepEqual(
      routes.map(({ match }) => match.routeConfiguration),
      ["web--api", "web--root"].map((name) => ({
        portNumber: 443,
        vhost: { name: "web.example.test:443", route: { name, action: "ROUTE" } },
      })),
    );
  });

  it("applies the failure mode, the timeout and the namespace", () => {
    const rateLimitService = { failureMode: "closed", timeout: "1m30s", namespace: "limits" };
    const text = JSON.stringify(patches({ services: limited(LIMIT), rateLimitService })[0]);
    assert.match(text, /"failure_mode_deny":true/);
    assert.match(text, /"timeout":"90s"/);
    assert.match(text, /outbound\|8081\|\|unified-gateway--rate-limit-[0-9a-f]{10}\.limits\.svc/);
  });

  it("describes each limit to Envoy as the service expects it", () => {
    const { services } = stack({ services: limited([{ ...LIMIT, type: "global-by-address" }, HEADER]) });
    const [web] = services;
    assert.ok(web);
    const key = (descriptor_key: string, descriptor_value: string) => ({
      generic_key: { descriptor_key, descriptor_value },
    });
    const byHeader = [key("service", "web"), key("limit", "global-by-header/x-user/day")];
    assert.deepEqual(routeRateLimits(web), [
      {
        actions: [
          key("service", "web"),
          key("limit", "global-by-address/minute"),
          key("ipv4_mapped", "false"),
          { masked_remote_address: { v4_prefix_mask_len: 32, v6_prefix_mask_len: 64 } },
        ],
      },
      { actions: [...byHeader, { request_headers: { header_name: "x-user", descriptor_key: "client" } }] },
      {
        actions: [
          ...byHeader,
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
});

describe("components/globalRateLimit, behind proxies", () => {
  it("tells IPv4-mapped addresses from others, with the prefix of IPv4", () => {
    const given = { services: limited({ ...LIMIT, type: "global-by-address" }), gateway: { clientAddress: PROXIES } };
    const [, route] = patches(given);
    const { rate_limits: limits } = (route?.patch.value as { route: { rate_limits: { actions: object[] }[] } }).route;
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
    assert.deepEqual(only(resources, "kubernetes:policy/v1:PodDisruptionBudget").inputs.spec, {
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
