import assert from "node:assert/strict";
import { existingServiceProblems, type ExistingService } from "../../../components/entry/existingGateway";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { emittedObjects } from "../../../emit/objects";
import { register } from "../../support/deployment";
import { plain, stack } from "../../support/stacks";

type Json = Record<string, unknown>;

const gateway = { existing: { service: "istio-ingressgateway" }, clientAddress: { trustedProxies: 0 } };
const LABELS = { istio: "ingressgateway" };
const guarded = [{ name: "web", namespace: "apps", access: { allow: ["10.0.0.0/8"] } }];

describe("components/existingGateway", () => {
  const service: ExistingService = {
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    selector: { ...LABELS, app: "istio-ingressgateway" },
    ports: [{ port: 80, targetPort: 80 }, { port: 443 }],
  };
  const problems = (change: Partial<ExistingService>, values: Json = {}) =>
    existingServiceProblems(stack({ gateway, services: guarded, ...values }), { ...service, ...change }).map(
      ({ path, expected }) => `${path}: ${expected}`,
    );

  it("accepts the Service of Istio's chart, with clients' addresses", () => {
    assert.deepEqual(problems({}), []);
    assert.deepEqual(problems({ type: "ClusterIP", externalTrafficPolicy: undefined }), []);
  });

  it("refuses one that hides them, if something depends on them", () => {
    const [problem, ...more] = problems({ externalTrafficPolicy: "Cluster" });
    assert.deepEqual(more, []);
    assert.match(
      problem ?? "",
      /^gateway\.existing\.service: a Service with externalTrafficPolicy Local: .* web needs client addresses$/,
    );
    const open = { services: [{ name: "web", namespace: "apps" }] };
    assert.deepEqual(problems({ externalTrafficPolicy: "Cluster" }, open), []);
  });

  it("refuses Pods and ports that its filters would not reach", () => {
    assert.match(problems({ selector: { app: "other" } }).join(), /^gateway\.existing\.selector: labels by which/);
    const ports = /^gateway\.existing\.service: a Service whose ports 80 and 443 lead to the same ports of its Pods/;
    assert.match(problems({ ports: [{ port: 443 }] }).join(), ports);
    assert.match(problems({ ports: [{ port: 80 }, { port: 443, targetPort: 8443 }] }).join(), ports);
    assert.match(problems({ ports: [{ port: 80 }, { port: 443, targetPort: "https" }] }).join(), ports);
  });

  it("selects its Pods by their labels everywhere", async () => {
    const config = stack({
      gateway: { ...gateway, tls: { minVersion: "1.3" } },
      services: [
        {
          ...guarded[0],
          trafficPolicy: { outlierDetection: {} },
          access: { externalAuthorization: { provider: "p" } },
        },
      ],
      telemetry: { accessLogs: { provider: "gateway-json" } },
    });
    const resources = await register(() => new UnifiedGateway("gateway", config));
    const specs = resources.map(
      ({ type, inputs }) => [type.split(":").at(-1), plain(inputs.spec ?? {}) as Json] as const,
    );
    const of = (kind: string) => specs.filter(([found]) => found === kind).map(([, spec]) => spec);
    assert.ok(of("EnvoyFilter").length > 3);
    for (const spec of of("EnvoyFilter")) {
      assert.deepEqual([spec.workloadSelector, spec.targetRefs], [{ labels: LABELS }, undefined]);
    }
    for (const kind of ["AuthorizationPolicy", "Telemetry"]) {
      const [spec, ...more] = of(kind);
      assert.deepEqual([spec?.selector, spec?.targetRefs, more.length], [{ matchLabels: LABELS }, undefined, 0], kind);
    }
    assert.deepEqual(
      of("DestinationRule").map(({ workloadSelector }) => workloadSelector),
      [{ matchLabels: LABELS }],
    );
    assert.equal(of("PodDisruptionBudget").length, 0);
  });

  it("reads the Service, which its deployer may", async () => {
    const objects = await emittedObjects(stack({ gateway }));
    assert.deepEqual(
      objects.find(({ kind }) => kind === "Service"),
      { group: "", kind: "Service", name: "istio-ingressgateway", namespace: "istio-system", read: true },
    );
  });
});
