import assert from "node:assert/strict";
import { toTrafficPolicy } from "../../../components/backends/trafficPolicy";
import { requireGatewayApi } from "../../../components/cluster/gatewayApiCrds";
import { routerHeaders, retryPatches } from "../../../components/routing/retry";
import { routeSpec } from "../../../components/routing/routes";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { register } from "../../support/deployment";
import { filterMap } from "../../support/filterMap";
import { schemaErrors } from "../../support/schemas";
import { plain, stack } from "../../support/stacks";

const retry = { attempts: 2, codes: [502, 503], backoff: "50ms" };
const cors = { allowOrigins: ["https://a.test"], allowMethods: ["PUT"], allowCredentials: true };
const config = stack({
  services: [
    {
      name: "web",
      namespace: "apps",
      timeouts: { request: "5s", backendRequest: "1s" },
      retry,
      cors,
      paths: ["/", { path: "/once", timeouts: { backendRequest: "0s" }, retry: false }],
    },
    { name: "plain", namespace: "apps" },
  ],
});

describe("components/routes, timeouts, retries and CORS", () => {
  it("writes them as in the Gateway API, and no retry of 0", () => {
    const [service] = config.services;
    assert.ok(service);
    const { rules } = routeSpec({ service, gateway: { name: "g", namespace: "n" } });
    const filters = [{ type: "CORS", cors: { ...cors, maxAge: 5 } }];
    assert.deepEqual(
      plain(rules.map(({ name, timeouts, retry: emitted, filters: found }) => [name, timeouts, emitted, found])),
      [
        ["web--once", { request: "5s" }, null, filters],
        ["web--root", { request: "5s" }, retry, filters],
      ],
    );
  });

  it("is accepted by the experimental CRDs, and pruned by the standard ones where the program says it would be", async () => {
    const resources = await register(() => new UnifiedGateway("gateway", config));
    assert.deepEqual(schemaErrors("experimental", resources), []);
    assert.deepEqual(schemaErrors("standard", resources), [
      "gateway-web/spec/rules/1: must NOT have additional properties",
    ]);
  });
});

describe("components/retry", () => {
  const headers = (...all: [string, string][]) => ({
    "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
    mutations: {
      request_mutations: all.map(([key, value]) => ({
        append: { header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
      })),
    },
  });
  const perTry = (limit: string) => ["x-envoy-upstream-rq-per-try-timeout-ms", limit] as [string, string];

  it("tells the router what to retry, and how long an answer may take to begin", () => {
    const { filters, patterns = {} } = filterMap(retryPatches(config.services), "retry");
    assert.deepEqual(filters, {
      "web--once": headers(["x-envoy-max-retries", "0"]),
      "web--root": headers(
        ["x-envoy-retry-on", "connect-failure,refused-stream,unavailable,cancelled,reset,retriable-status-codes"],
        perTry("1000"),
      ),
    });
    const [[regex, filter] = []] = Object.entries(patterns);
    assert.deepEqual(filter, headers(perTry("60000")));
    const matches = (name: string) => new RegExp(`^(?:${regex ?? ""})$`).test(name);
    assert.deepEqual(["plain--root", "a-b--x-canary", "apps.web.0", "default"].map(matches), [
      true,
      true,
      false,
      false,
    ]);
  });

  it("has no entry for rules with the default, and no filter where no rule has a limit", () => {
    assert.deepEqual(Object.keys(filterMap(retryPatches(stack().services), "retry").filters), []);
    const grpc = { name: "calls", namespace: "apps", protocol: "grpc" };
    assert.deepEqual(retryPatches(stack({ services: [grpc] }).services), []);
    const both = filterMap(
      retryPatches(stack({ services: [grpc, { name: "web", namespace: "apps" }] }).services),
      "retry",
    );
    assert.deepEqual(both.filters, { "calls--root": undefined });
  });

  it("retries codes only if there are any, and sends nothing again because it took the default time", () => {
    const [rule] = stack({ services: [{ name: "web", namespace: "apps", retry: { attempts: 1 } }] }).services.flatMap(
      ({ rules }) => rules,
    );
    assert.ok(rule);
    assert.deepEqual(routerHeaders(rule), {
      "x-envoy-retry-on": "connect-failure,refused-stream,unavailable,cancelled,reset",
    });
  });
});

describe("components/backendPolicy, session affinity and retry budget", () => {
  const policy = (trafficPolicy: unknown) => {
    const [service] = stack({ services: [{ name: "web", namespace: "apps", trafficPolicy }] }).services;
    assert.ok(service);
    return plain(toTrafficPolicy(service.trafficPolicy, service));
  };

  it("hashes a header, a cookie or the client's address", () => {
    const hash = (key: unknown) => policy({ loadBalancing: { type: "CONSISTENT_HASH", key } });
    assert.deepEqual(hash({ type: "header", name: "x-user" }), {
      loadBalancer: { consistentHash: { httpHeaderName: "x-user" } },
    });
    assert.deepEqual(hash({ type: "cookie", name: "affinity" }), {
      loadBalancer: {
        consistentHash: { httpCookie: { name: "affinity", path: "/", ttl: "0s", attributes: [{ name: "Secure" }] } },
      },
    });
    assert.deepEqual(hash({ type: "source-address" }), { loadBalancer: { consistentHash: { useSourceIp: true } } });
  });

  it("writes both numbers of a budget, since Istio's default was wrong once", () => {
    assert.deepEqual(policy({ retryBudget: {} }), { retryBudget: { percent: 20, minRetryConcurrency: 3 } });
  });
});

describe("components/gatewayApiCrds", () => {
  const CRD = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition";
  const { fieldUses } = config;

  /** The program's error on a cluster whose CRD has these annotations, and what it read. */
  async function onCluster(annotations: Record<string, string>, uses = fieldUses) {
    let outcome: Promise<string> | undefined;
    const state = { [CRD]: { metadata: { annotations } } };
    const resources = await register(() => {
      outcome = requireGatewayApi("gateway-api", uses, {}, {}).then(
        () => "",
        (error: unknown) => {
          assert.ok(error instanceof Error);
          assert.equal(error.stack, undefined, "Pulumi would have it coloured");
          return error.message;
        },
      );
      return outcome;
    }, state);
    return { message: await outcome, read: resources.map(({ type }) => type) };
  }
  const crds = (channel: string, version: string) => ({
    "gateway.networking.k8s.io/channel": channel,
    "gateway.networking.k8s.io/bundle-version": version,
  });

  it("accepts CRDs that have every field", async () => {
    assert.deepEqual(await onCluster(crds("experimental", "v1.6.0")), { message: "", read: [CRD] });
  });

  /** The error of a program that asks the stack that installed the CRDs. */
  async function onStack(outputs: Record<string, unknown>) {
    let message = "";
    const resources = await register(
      () =>
        requireGatewayApi("gateway-api", fieldUses, { istioStack: "acme/istio-platform/dev" }, {}).catch(
          (error: unknown) => {
            message = error instanceof Error ? error.message : String(error);
          },
        ),
      { "pulumi:pulumi:StackReference": { outputs } },
    );
    return { message, read: resources.map(({ type }) => type) };
  }

  it("asks the stack that installed them instead of the cluster, if configured", async () => {
    const gatewayApi = { channel: "experimental", version: "v1.6.0" };
    assert.deepEqual(await onStack({ gatewayApi }), { message: "", read: ["pulumi:pulumi:StackReference"] });
    assert.match(
      (await onStack({ gatewayApi: { ...gatewayApi, channel: "standard" } })).message,
      /are standard v1\.6\.0/,
    );
    assert.match((await onStack({})).message, /^the stack acme\/istio-platform\/dev has no output gatewayApi/);
  });

  it("lists what other CRDs would drop", async () => {
    const { message = "" } = await onCluster(crds("standard", "v1.4.0"));
    const [first, ...lines] = message.split("\n");
    assert.equal(first, "stack config has 2 mistakes, nothing was changed:");
    assert.match(
      lines[0] ?? "",
      /istio-gateway:services\[0\]\.retry \(web\): \{"attempts":2.*experimental channel from v1\.2;/,
    );
    assert.match(
      lines[1] ?? "",
      /istio-gateway:services\[0\]\.cors \(web\): .*the standard one from v1\.5; .* standard v1\.4\.0/,
    );
  });

  it("reports CRDs that do not say what they are", async () => {
    assert.match((await onCluster({})).message ?? "", /does not say its channel and version/);
  });

  it("requires the CRDs even if no field depends on them", async () => {
    assert.deepEqual(await onCluster({}, []), { message: "", read: [CRD] });
  });

  it("checks nothing if YAML is rendered", async () => {
    const render = () => requireGatewayApi("gateway-api", fieldUses, { renderDirectory: "out" }, {});
    assert.deepEqual(await register(render), []);
  });
});
