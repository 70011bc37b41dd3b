import assert from "node:assert/strict";
import { request } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { identify, makeAuthority, sign } from "./support/authority";
import { deploy, destroy, prepare, pulumi, theLab, writeStack, type Values } from "./support/lab";
import { verified, words } from "./support/verified";

const STACK = "shadowed";
const DOMAIN = "shadowed.test";
const NAMESPACE = "shadowed";
const GATEWAY = { name: "shadowed", namespace: "shadowed-system", address: "192.168.51.144" };

/** The backends speak TLS. `ruled` has a DestinationRule of its owner, `policed` a BackendTLSPolicy. */
const values = (trafficPolicy: (name: string) => Values, more: readonly Values[] = []): Values => ({
  domain: DOMAIN,
  gateway: GATEWAY,
  services: [
    ...["ruled", "policed"].map((name) => ({
      ...{ name, namespace: NAMESPACE, port: 8443, trafficPolicy: trafficPolicy(name) },
    })),
    ...more,
  ],
});

/** What `verify` says to write. */
const CARRIED = (name: string): Values => ({
  connections: { maxConnections: 100 },
  tls: { mode: "SIMPLE", sni: `${name}.internal`, ca: { kind: "ConfigMap", name: "backend-ca" } },
});

describe("shadowed", function () {
  this.timeout(300_000);
  const status = async (name: string) => (await request(theLab(), `https://${name}.${DOMAIN}/`)).status;
  const answers = (wanted: number) =>
    eventually(`status ${wanted}`, 40_000, async () =>
      assert.deepEqual([await status("ruled"), await status("policed")], [wanted, wanted]),
    );
  const rows = async (config: Values, check: string) => {
    const all = await verified(STACK, config, "--address", GATEWAY.address);
    const found = all.filter((row) => row.check === check);
    assert.notEqual(found.length, 0, words(all));
    return found;
  };

  before(async () => {
    const ca = await makeAuthority("Backend CA");
    for (const service of ["ruled", "policed"]) {
      identify(NAMESPACE, service, await sign(ca, `${service}.internal`));
    }
    // So that the lab's backends speak TLS.
    await prepare(STACK, values(CARRIED));
    const authority = (namespace: string) => ({
      ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "backend-ca", namespace } },
      data: { "ca.crt": ca.caCertPem },
    });
    const owners = { name: "owners", namespace: NAMESPACE };
    const tls = { mode: "SIMPLE", sni: "ruled.internal", credentialName: `configmap://${NAMESPACE}/backend-ca` };
    const items = [
      authority(NAMESPACE),
      authority(GATEWAY.namespace),
      {
        ...{ apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata: owners },
        spec: { host: "ruled", trafficPolicy: { tls } },
      },
      {
        ...{ apiVersion: "gateway.networking.k8s.io/v1", kind: "BackendTLSPolicy", metadata: owners },
        spec: {
          targetRefs: [{ group: "", kind: "Service", name: "policed" }],
          validation: {
            hostname: "policed.internal",
            caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "backend-ca" }],
          },
        },
      },
      {
        ...{ apiVersion: "v1", kind: "Service", metadata: { name: "alias", namespace: NAMESPACE } },
        spec: { type: "ExternalName", externalName: "api.example.com", ports: [{ name: "https", port: 443 }] },
      },
    ];
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    await theLab().kubectl(["apply", "--server-side", "-f", "-"], list);
    await deploy(
      STACK,
      values(() => ({})),
    );
  });
  after(async () => {
    await destroy(STACK);
    await theLab().kubectl([
      "-n",
      NAMESPACE,
      "delete",
      "destinationrules,backendtlspolicies",
      "owners",
      "--ignore-not-found",
    ]);
    await theLab().kubectl(["-n", NAMESPACE, "delete", "service", "alias"]);
  });

  it("are none as long as the gateway has no policy of its own", () => answers(200));

  it("are what the owners of a Service say of it once it has one, and verify says what to write", async () => {
    const config = values(() => ({ connections: { maxConnections: 100 } }));
    await deploy(STACK, config);
    // Plain text to a port that wants TLS.
    await eventually("the rules", 40_000, async () => {
      assert.notEqual(await status("ruled"), 200);
      assert.notEqual(await status("policed"), 200);
    });
    const found = await rows(config, "shadowed");
    assert.deepEqual(
      found.map(({ what, state, seen }) => [what, state, seen]),
      [
        [
          `nothing that others say of Service ${NAMESPACE}/ruled is lost`,
          "failed",
          `DestinationRule ${NAMESPACE}/owners`,
        ],
        [
          `nothing that others say of Service ${NAMESPACE}/policed is lost`,
          "failed",
          `BackendTLSPolicy ${NAMESPACE}/owners`,
        ],
      ],
      words(found),
    );
    const ca = "ca: { kind: ConfigMap, name: backend-ca }";
    assert.ok(found[0]?.cause?.includes(`tls: { mode: SIMPLE, sni: ruled.internal, ${ca} }`), words(found));
    assert.ok(found[1]?.cause?.includes(`tls: { mode: SIMPLE, sni: policed.internal, ${ca} }`), words(found));
  });

  it("are nothing to miss once that is written", async () => {
    const config = values(CARRIED);
    await deploy(STACK, config);
    await answers(200);
    const found = await rows(config, "shadowed");
    assert.deepEqual(
      found.map(({ state }) => state),
      ["ok", "ok"],
      words(found),
    );
  });

  describe("an ExternalName", () => {
    const alias = (port: number | string) => values(CARRIED, [{ name: "alias", namespace: NAMESPACE, port }]);
    const instead = "a Service with endpoints: an ExternalName outside the cluster has none";

    it("is refused where its port is looked up", async () => {
      await theLab().take(STACK, writeStack(STACK, alias("https")));
      const { code, stdout, stderr } = await pulumi(STACK, ["preview"]);
      assert.notEqual(code, 0);
      assert.ok((stdout + stderr).includes(`services[2].port (alias): "https", expected ${instead}`), stdout + stderr);
    });

    it("is named by verify elsewhere", async () => {
      const found = (await rows(alias(443), "backends")).find(({ what }) => what.includes("/alias:443"));
      assert.deepEqual([found?.state, found?.seen], ["failed", "an ExternalName"]);
      assert.ok(found?.cause?.startsWith(`expected ${instead}`), found?.cause);
    });
  });
});
