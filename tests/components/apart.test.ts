import assert from "node:assert/strict";
import { UnifiedGateway } from "../../components/unifiedGateway";
import { mistakes, stack } from "../support/stacks";
import { metadataOf, register } from "../support/deployment";

/** A stack with every kind of object, whose backends, limits and policies are in namespaces that other gateways use too. */
const everything = (gateway: object) => ({
  gateway: { clientAddress: { trustedProxies: 0 }, ...gateway },
  services: [
    {
      name: "web",
      namespace: "apps",
      access: {
        allow: ["10.0.0.0/8"],
        jwt: { issuer: "https://id.test", audiences: ["web"], jwksUri: "https://id.test/keys" },
      },
      rateLimit: [
        { type: "local", requests: 1, per: "second" },
        { type: "global", requests: 1, per: "second" },
      ],
      canary: { percent: 10, versions: { selector: { app: "web" } } },
      trafficPolicy: { outlierDetection: {} },
      mirror: { service: "copy", namespace: "far", percent: 1 },
    },
    { name: "calls", namespace: "apps", protocol: "grpc" },
  ],
  rateLimitService: { namespace: "limits" },
  mtls: { strictNamespaces: ["apps"], exceptions: [{ name: "old", namespace: "apps", matchLabels: { app: "old" } }] },
  telemetry: {
    accessLogs: { provider: "envoy" },
    metrics: { scrape: "prometheus-operator" },
    alerts: {},
    dashboard: true,
  },
});

/** `KIND NAMESPACE/NAME` of every object. */
async function objects(gateway: object): Promise<Set<string>> {
  const resources = await register(() => new UnifiedGateway("gateway", stack(everything(gateway))));
  return new Set(
    resources
      .filter(({ type }) => type.startsWith("kubernetes:"))
      .map((resource) => {
        const { namespace, name } = metadataOf(resource) as { namespace: string; name: string };
        return `${resource.type.split(":").at(-1)} ${namespace}/${name}`;
      }),
  );
}

/**
 * What two gateways cannot both have, so that a preview of the second refuses it: Istio uses one policy of a namespace, and
 * `canary.versions` makes Services with the names that it documents.
 */
const REFUSED = ["PeerAuthentication apps/default", "Service apps/web-canary", "Service apps/web-stable"];

describe("two gateways with the same services", function () {
  this.timeout(20_000);
  for (const [what, other] of Object.entries({
    "of one name in two namespaces": { name: "edge", namespace: "two" },
    "of two names in one namespace": { name: "edge-b", namespace: "one" },
  })) {
    it(`have no object in common: ${what}`, async () => {
      const [ours, theirs] = [await objects({ name: "edge", namespace: "one" }), await objects(other)];
      assert.ok(ours.size > 30, `${ours.size} objects`);
      assert.deepEqual([...ours].filter((object) => theirs.has(object)).sort(), REFUSED);
    });
  }

  it("take no name with '--', by which another gateway's objects could be called alike", () => {
    const lines = mistakes({ gateway: { name: "edge--b" }, services: [{ name: "web", namespace: "apps" }] });
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", /gateway\.name: "edge--b", expected a name without '--'/);
  });

  it("take a shorter name if limits are counted in another namespace, where the Services' names hold a hash", () => {
    const named = (length: number, namespace: string) =>
      mistakes({
        gateway: { name: "e".repeat(length) },
        rateLimitService: { namespace },
        services: [{ name: "web", namespace: "apps", rateLimit: { type: "global", requests: 1, per: "second" } }],
      });
    assert.deepEqual([named(45, "istio-system"), named(34, "limits")], [[], []]);
    assert.match(named(46, "istio-system").join(), /gateway\.name: .* at most 45 characters/);
    assert.match(named(35, "limits").join(), /gateway\.name: .* at most 34 characters .* counted in another namespace/);
  });
});
