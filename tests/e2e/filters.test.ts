import assert from "node:assert/strict";
import { envoyFilterPatches } from "../../components/envoyFilters";
import type { StackConfig } from "../../config";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { request } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { testIssuer } from "../support/jwt";
import { stack } from "../support/stacks";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { landed } from "./support/landed";
import { assertNothingRejected } from "./support/rejects";

const STACK = "filters";
const DOMAIN = "filters.test";
const NAMESPACE = "filters-system";
const company = testIssuer("https://login.filters.test");

const service = (name: string, more: Values = {}) => ({ name, namespace: "filters-apps", port: 8080, ...more });

/** Every EnvoyFilter that the program knows, with each of its patches. */
const values: Values = {
  domain: DOMAIN,
  gateway: {
    name: STACK,
    namespace: NAMESPACE,
    address: "192.168.51.171",
    clientAddress: { trustedProxies: 0 },
    tls: { minVersion: "1.3" },
    hardening: { maxConnections: 1000 },
  },
  telemetry: { metrics: { scrape: "config-map" }, traces: { provider: "otel", samplePercent: 1 } },
  rateLimitService: { timeout: "10s", replicas: 1 },
  services: [
    service("guarded", {
      access: { allow: ["192.168.0.0/16"] },
      rateLimit: [
        { type: "local", requests: 1000, per: "second" },
        { type: "global", requests: 1000, per: "second" },
      ],
      limits: { maxRequestSize: "1Mi", streamIdleTimeout: "1m" },
      cors: { allowOrigins: ["https://app.filters.test"] },
      retry: { attempts: 1 },
      telemetry: { traces: { samplePercent: 1 } },
    }),
    service("slow", { fault: { delay: { duration: "1ms", percent: 1 } } }),
    service("token", { access: { jwt: { issuer: company.issuer, jwks: company.jwks, audiences: ["token"] } } }),
    service("asked", { access: { externalAuthorization: { provider: "lab-authorizer" } } }),
    service("open"),
    // Two services on one host have their own counters.
    service("shared-a", { host: `shared.${DOMAIN}` }),
    service("shared-b", { host: `shared.${DOMAIN}`, paths: ["/b"] }),
    { name: "authorizer", namespace: "access", port: 8080 },
  ],
};

describe("EnvoyFilters", () => {
  let config: StackConfig;
  const get = (name: string, options: { from?: string; headers?: string[] } = {}) =>
    request(theLab(), `https://${name}.${DOMAIN}/`, options);
  const statusOf = async (...args: Parameters<typeof get>) => (await get(...args)).status;
  const dump = async () =>
    JSON.parse(await theLab().inProxy(STACK, ["curl", "-s", "http://127.0.0.1:15000/config_dump"])) as object;
  const bearer = () => [`Authorization: Bearer ${company.token({ aud: "token" })}`];

  before(async () => {
    await deploy(STACK, values);
    config = stack(values);
    await eventually("the routes", 30_000, async () => {
      for (const name of ["guarded", "open", "shared", "authorizer"]) {
        assert.equal(await statusOf(name, { from: CLIENT_INSIDE }), 200, name);
      }
    });
  });
  after(() => destroy(STACK));

  it("change something in Envoy, each patch of each", async () => {
    const seen = await dump();
    const patches = envoyFilterPatches(config).flatMap((filter) => filter.patches);
    assert.ok(patches.length > 20);
    assert.deepEqual(
      patches.filter((patch) => !landed(patch, seen)),
      [],
    );
    // A listener, a host, a route or a filter that Istio names differently is noticed.
    for (const patch of patches) {
      assert.ok(!landed(misplaced(patch), seen), JSON.stringify(misplaced(patch)).slice(0, 300));
    }
  });

  const entry = (feature: string, host: string) => ({
    object: ["envoyfilter", `${STACK}--${feature}`, "-n", NAMESPACE],
    key: `${host}.${DOMAIN}:443`,
  });

  /** Takes a host out of a map while `body` runs. */
  async function without(feature: string, host: string, body: () => Promise<void>): Promise<void> {
    const { object, key } = entry(feature, host);
    type Filter = { metadata: object; spec: { configPatches: ConfigPatch[] } };
    const before = JSON.parse(await theLab().kubectl(["get", ...object, "-o", "json"])) as Filter;
    const index = before.spec.configPatches.findIndex(({ applyTo }) => applyTo === "EXTENSION_CONFIG");
    const place = `/spec/configPatches/${index}/patch/value/typed_config/xds_matcher/matcher_tree/exact_match_map/map`;
    const patch = async (operation: object) =>
      theLab().kubectl(["patch", ...object, "--type=json", "-p", JSON.stringify([operation])]);
    const maps = before.spec.configPatches[index]?.patch.value as {
      typed_config: { xds_matcher: { matcher_tree: { exact_match_map: { map: Record<string, unknown> } } } };
    };
    const value = maps.typed_config.xds_matcher.matcher_tree.exact_match_map.map[key];
    assert.ok(value, `${key} is not in the map of ${feature}`);
    await patch({ op: "remove", path: `${place}/${key}` });
    try {
      await body();
    } finally {
      await patch({ op: "add", path: `${place}/${key}`, value });
    }
  }

  const refused = (name: string, options: Parameters<typeof get>[1] = {}) =>
    eventually(`403 by ${name}`, 30_000, async () => {
      const answer = await get(name, options);
      assert.deepEqual([answer.status, answer.headers["x-backend"]], [403, undefined]);
    });
  const admitted = (name: string, options: Parameters<typeof get>[1] = {}) =>
    eventually(`200 by ${name}`, 30_000, async () => assert.equal(await statusOf(name, options), 200));

  it("refuse everybody on a host that the map of access does not have, guarded or open", async () => {
    for (const name of ["guarded", "open", "token", "asked"]) {
      const headers = [...bearer(), "x-authorize: yes"];
      await admitted(name, { from: CLIENT_INSIDE, headers });
      await without("access", name, () => refused(name, { from: CLIENT_INSIDE, headers }));
      await admitted(name, { from: CLIENT_INSIDE, headers });
    }
    assert.equal(await statusOf("guarded", { from: CLIENT_OUTSIDE }), 403);
  });

  it("refuse whoever has credentials that nobody was told to check", async () => {
    await without("credentials", "token", () => refused("token", { headers: bearer() }));
    await without("credentials", "asked", () => refused("asked", { headers: ["x-authorize: yes"] }));
    await admitted("token", { headers: bearer() });
    await admitted("asked", { headers: ["x-authorize: yes"] });
  });

  it("show backends none of the headers by which they tell each other what to do, nor believe clients' own", async () => {
    const forged = ["x-unified-gateway-token: Bearer a.b.c", "x-unified-gateway-ask: yes"];
    for (const [name, headers] of [
      ["open", []],
      ["token", bearer()],
      ["asked", ["x-authorize: yes"]],
    ] as const) {
      const answer = await get(name, { headers: [...headers, ...forged] });
      assert.equal(answer.status, 200, answer.body);
      assert.doesNotMatch(answer.body, /x-unified-gateway/i);
    }
    assert.equal(
      await statusOf("token", { headers: [`x-unified-gateway-token: Bearer ${company.token({ aud: "token" })}`] }),
      403,
    );
    assert.equal(await statusOf("asked", { headers: forged }), 403);
  });

  it("are accepted by Envoy", () => assertNothingRejected(STACK));
});

/** The same patch for something that no proxy has. */
function misplaced(patch: ConfigPatch): ConfigPatch {
  const { match, patch: change } = patch;
  return {
    ...patch,
    match: {
      ...match,
      ...(match.listener === undefined ? {} : { listener: { ...match.listener, portNumber: 444 } }),
      ...(match.routeConfiguration === undefined
        ? {}
        : { routeConfiguration: { ...match.routeConfiguration, portNumber: 444 } }),
    },
    patch: patch.applyTo === "EXTENSION_CONFIG" ? { ...change, value: { ...change.value, name: "another" } } : change,
  };
}
