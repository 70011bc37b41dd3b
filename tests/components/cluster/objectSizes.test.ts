import assert from "node:assert/strict";
import {
  growsWith,
  MAX_ANNOTATIONS,
  MAX_DATA,
  MAX_EXPRESSION,
  MAX_OBJECT,
  MAX_RULES,
  sizeProblem,
} from "../../../components/cluster/objectSizes";
import { envoyFilterPatches } from "../../../components/envoyFilters";
import { Emission, type Emitted } from "../../fuzz/support/emission";
import { LARGE_SERVICE, stack } from "../../support/stacks";

const GATEWAY = { name: "edge" };
const metadata = { name: "edge--limits", namespace: "gateways" };

/** An object whose JSON has as many bytes. */
function ofSize(bytes: number) {
  const object = (text: string) => ({ metadata, spec: { text } });
  return object("x".repeat(bytes - JSON.stringify(object("")).length));
}

/** A limit of each scope. */
const LIMITS = [
  { type: "local", requests: 1, per: "second" },
  { type: "global", requests: 1, per: "hour" },
];

/** Services that use all that grows. */
const many = (count: number, rateLimit: unknown, paths = ["/"]) =>
  stack({
    gateway: { clientAddress: { trustedProxies: 0 } },
    defaults: { denyByDefault: true },
    telemetry: {
      metrics: { scrape: "prometheus-operator" },
      alerts: {},
      dashboard: true,
      accessLogs: { provider: "p", samplePercent: 0 },
      traces: { provider: "p" },
    },
    services: Array.from({ length: count }, (_, index) => ({
      name: `service-${index}`,
      namespace: `team-${index}`,
      backends: [{ service: "shared", namespace: "elsewhere" }],
      access: { allow: ["10.0.0.0/8"], externalAuthorization: { provider: "login" } },
      paths,
      rateLimit,
      limits: { maxRequestSize: "1Mi" },
      retry: { attempts: 1 },
      rewrite: { prefix: "/v1" },
      fault: { abort: { status: 503 } },
      telemetry: { accessLogs: index % 2 === 0 ? { samplePercent: 100 } : undefined, traces: { samplePercent: 3 } },
    })),
  });

describe("components/objectSizes", () => {
  const [half, third] = [MAX_DATA / 2, "x".repeat(1000)];
  const rules = (bytes: number) => ({ text: "x".repeat(bytes - '{"text":""}'.length) });
  const cases: readonly [kind: string, most: number, of: (size: number) => object, what: string][] = [
    ["EnvoyFilter", MAX_OBJECT, ofSize, "bytes"],
    [
      "ConfigMap",
      MAX_DATA,
      (size) => ({ metadata, data: { a: "x".repeat(half), b: "ü".repeat(100), c: "x".repeat(size - half - 200) } }),
      "bytes of data",
    ],
    [
      "HTTPRoute",
      MAX_ANNOTATIONS,
      (size) => ({
        metadata: { ...metadata, annotations: { key: third, other: "x".repeat(size - 8 - third.length) } },
      }),
      "bytes of annotations",
    ],
    ["PrometheusRule", MAX_RULES, (size) => ({ metadata, spec: rules(size) }), "bytes of rules"],
    ["VMRule", MAX_RULES, (size) => ({ metadata, spec: rules(size) }), "bytes of rules"],
    [
      "Telemetry",
      MAX_EXPRESSION,
      (size) => ({ metadata, spec: { accessLogging: [{ filter: { expression: "x".repeat(size) } }] } }),
      "characters of its longest expression",
    ],
  ];
  for (const [kind, most, of, what] of cases) {
    it(`takes a ${kind} of ${most} ${what}, and not one more`, () => {
      assert.equal(sizeProblem(kind, of(most), GATEWAY), undefined);
      const grows = growsWith(kind, metadata.name, GATEWAY);
      assert.equal(
        sizeProblem(kind, of(most + 1), GATEWAY),
        `${kind} gateways/edge--limits: ${most + 1} ${what}, expected at most ${most}; it grows with ${grows}`,
      );
    });
  }

  it("names the key that makes each filter grow", () => {
    const sizes = (count: number) =>
      new Map(
        envoyFilterPatches(many(count, LIMITS)).map(({ feature, patches }) => [
          feature,
          JSON.stringify(patches).length,
        ]),
      );
    const [few, more] = [sizes(1), sizes(2)];
    const growing = [...more].filter(([feature, size]) => size > (few.get(feature) ?? 0)).map(([feature]) => feature);
    assert.deepEqual(growing.sort(), [
      "access",
      "credentials",
      "fault",
      "global-rate-limit",
      "limits",
      "local-rate-limit",
      "retry",
      "telemetry",
    ]);
    const unnamed = growing.filter((name) => growsWith("EnvoyFilter", `edge--${name}`, GATEWAY) === "services");
    assert.deepEqual(unnamed, []);
    assert.equal(growsWith("EnvoyFilter", "edge--global-rate-limit-2-0123456789", GATEWAY), "services[].rateLimit");
    assert.equal(growsWith("RequestAuthentication", "edge--jwt", GATEWAY), "services[].access");
    assert.equal(growsWith("ConfigMap", "edge--dashboard-12", GATEWAY), "services[].backends");
    assert.equal(growsWith("ConfigMap", "edge--rate-limit-0123456789", GATEWAY), "services[].rateLimit");
    assert.equal(growsWith("Gateway", "edge", GATEWAY), "services");
  });

  describe("of a whole gateway", () => {
    let emission: Emission;
    before(async () => (emission = await Emission.start()));
    after(() => emission.end());

    it("takes 1,000 services that use everything", async function () {
      this.timeout(60_000);
      const resources = await emission.of(many(1000, LIMITS));
      const size = ({ inputs }: Emitted) => JSON.stringify(inputs).length;
      const [largest] = resources.sort((a, b) => size(b) - size(a));
      assert.ok(largest && size(largest) > 500_000, largest?.name);
    });

    it("refuses more than fit, with every object, its size, the bound and the key, before anything is registered", async function () {
      this.timeout(60_000);
      const header = (name: string) => ({ type: "global-by-header", header: name, requests: 1, per: "hour" });
      const limits = ["x-a", "x-b", "x-c", "x-d", "x-e", "x-f"].map(header);
      await assert.rejects(
        emission.of(many(1000, limits, ["/", "/a", "/b", "/c", "/d", "/e", "/f"])),
        ({ message }: Error) => {
          const [head = "", ...lines] = message.split("\n");
          assert.match(head, /^2 objects are too large, nothing was changed:$/);
          assert.match(
            lines[0] ?? "",
            /^ {2}ConfigMap istio-system\/unified-gateway--rate-limit-\w+: \d{7} bytes of data, expected at most 1048576; it grows with services\[\]\.rateLimit$/,
          );
          assert.match(
            lines[1] ?? "",
            /^ {2}EnvoyFilter istio-system\/unified-gateway--telemetry: \d{7} bytes, expected at most 1376256; it grows with services\[\]\.telemetry$/,
          );
          assert.equal(lines[2], "Give some of the services a gateway of their own, in another stack.");
          return true;
        },
      );
    });

    it("refuses a route that is too large, by its service", async () => {
      await assert.rejects(emission.of(stack({ services: [LARGE_SERVICE] })), ({ message }: Error) =>
        /HTTPRoute apps\/web\.unified-gateway\.istio-system: \d{7} bytes, .*; it grows with the paths of service web, and what they set$/m.test(
          message,
        ),
      );
    });
  });
});
