import assert from "node:assert/strict";
import type { ConfigPatch, EnvoyFilterSpec } from "../../kinds/envoyFilter";
import { Emission, type Emitted } from "../fuzz/support/emission";
import { testIssuer } from "../support/jwt";
import { stack } from "../support/stacks";

/** What a service has of its own. */
const OF_A_SERVICE = ["HTTPRoute", "ReferenceGrant", "DestinationRule"];

const { issuer, jwks } = testIssuer("https://login.example.test");

/** Services that use everything that a filter does, each with several rules. */
const services = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    name: `service-${index}`,
    namespace: `team-${index}`,
    backends: [{ service: "shared", namespace: "elsewhere" }],
    paths: ["/", "/api"],
    access: {
      allow: ["10.0.0.0/8"],
      deny: ["10.1.0.0/16"],
      jwt: { issuer, jwks, audiences: [`service-${index}`] },
      externalAuthorization: { provider: "login" },
    },
    rateLimit: [
      { type: "local", requests: 1, per: "second" },
      { type: "global-by-address", requests: 1, per: "hour" },
    ],
    limits: { maxRequestSize: "1Mi" },
    fault: { abort: { status: 503 } },
    compression: {},
    sessionPersistence: {},
    errorPages: { pages: [{ html: "<p>${status}</p>", json: "{}" }] },
    retry: { attempts: 1 },
    rewrite: { prefix: "/v1" },
    cors: { allowOrigins: ["https://app.example.test"] },
    trafficPolicy: { outlierDetection: {} },
  }));

/** How many there are of each kind of object, and of patches for each part of Envoy. */
function counts(resources: readonly Emitted[]): Record<string, number> {
  const objects = resources.filter(({ type }) => type.startsWith("kubernetes:"));
  const kinds = objects.map(({ type }) => type.split(":").at(-1) ?? "").filter((kind) => !OF_A_SERVICE.includes(kind));
  const patches = objects
    .filter(({ type }) => type.endsWith(":EnvoyFilter"))
    .flatMap(({ inputs }): readonly ConfigPatch[] => (inputs.spec as EnvoyFilterSpec).configPatches)
    .map(({ applyTo }) => applyTo);
  const found: Record<string, number> = {};
  for (const name of [...kinds, ...patches]) {
    found[name] = (found[name] ?? 0) + 1;
  }
  return found;
}

describe("more services", () => {
  let emission: Emission;
  before(async () => (emission = await Emission.start()));
  after(() => emission.end());

  it("make no more objects than their own, and no more patches, policies and HTTP filters", async () => {
    const of = async (count: number) =>
      counts(
        await emission.of(
          stack({
            services: services(count),
            gateway: { clientAddress: { trustedProxies: 1, proxyAddresses: ["10.9.0.0/16"] } },
            defaults: { denyByDefault: true },
            telemetry: { metrics: { scrape: "prometheus-operator" } },
          }),
        ),
      );
    const one = await of(1);
    assert.deepEqual(await of(50), one);
    assert.deepEqual([one.AuthorizationPolicy, one.RequestAuthentication, one.HTTP_ROUTE], [2, 1, undefined]);
    // One for each filter by route.
    assert.equal(one.EXTENSION_CONFIG, 10);
  });
});
