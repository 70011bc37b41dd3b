import assert from "node:assert/strict";
import { toTrafficPolicy } from "../../../components/backends/trafficPolicy";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { metadataOf, register } from "../../support/deployment";
import { schemaErrors } from "../../support/schemas";
import { plain, stack } from "../../support/stacks";

const KIND = "kubernetes:security.istio.io/v1:PeerAuthentication";
const LABELS = { "app.kubernetes.io/part-of": "unified-gateway", "unified-gateway/gateway-namespace": "istio-system" };

const deploy = (mtls?: object) => register(() => new UnifiedGateway("gateway", stack({ mtls })));
const policies = async (mtls?: object) =>
  (await deploy(mtls))
    .filter(({ type }) => type === KIND)
    .map((resource) => [metadataOf(resource), resource.inputs.spec]);

describe("components/strictMtls", () => {
  const strict = { mtls: { mode: "STRICT" } };

  it("creates no policy by default", async () => {
    assert.deepEqual(await policies(), []);
  });

  it("makes each namespace STRICT, with a policy of the conventional name", async () => {
    assert.deepEqual(await policies({ strictNamespaces: ["one", "two"] }), [
      [{ name: "default", namespace: "one", labels: LABELS }, strict],
      [{ name: "default", namespace: "two", labels: LABELS }, strict],
    ]);
  });

  it("makes the mesh STRICT only with wholeMesh", async () => {
    assert.deepEqual(await policies({ wholeMesh: true, rootNamespace: "root" }), [
      [{ name: "default", namespace: "root", labels: LABELS }, strict],
    ]);
  });

  it("allows plain text to exempt workloads, or to some of their ports", async () => {
    const matchLabels = { app: "vmagent" };
    const exceptions = [
      { name: "all", namespace: "apps", matchLabels },
      { name: "some", namespace: "apps", matchLabels: { app: "other" }, ports: [8429, 9090] },
    ];
    const [all, some, ...more] = await policies({ strictNamespaces: ["apps"], exceptions });
    assert.deepEqual(all, [
      { name: "all.unified-gateway.istio-system", namespace: "apps", labels: LABELS },
      { selector: { matchLabels }, mtls: { mode: "PERMISSIVE" } },
    ]);
    assert.deepEqual(some?.[1], {
      selector: { matchLabels: { app: "other" } },
      mtls: { mode: "STRICT" },
      portLevelMtls: { 8429: { mode: "PERMISSIVE" }, 9090: { mode: "PERMISSIVE" } },
    });
    assert.equal(more.length, 1);
  });

  it("emits objects that the real CRD accepts", async () => {
    const exceptions = [{ name: "a", namespace: "apps", matchLabels: { app: "a" }, ports: [1] }];
    assert.deepEqual(schemaErrors("standard", await deploy({ strictNamespaces: ["apps"], exceptions })), []);
  });
});

describe("components/backendPolicy, tls", () => {
  const WHERE = { namespace: "ingress", protocol: "http" } as const;

  it("keeps auto mTLS unless a mode is set", () => {
    assert.deepEqual(plain(toTrafficPolicy({ connections: { maxConnections: 1 } }, WHERE)), {
      connectionPool: { tcp: { maxConnections: 1 }, http: {} },
    });
    assert.deepEqual(plain(toTrafficPolicy({ tls: { mode: "DISABLE" } }, WHERE)), { tls: { mode: "DISABLE" } });
  });
});
