import assert from "node:assert/strict";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { testAuthority } from "../../support/certificates";
import { metadataOf, only, register, type Registered } from "../../support/deployment";
import { schemaErrors } from "../../support/schemas";
import { plain, stack } from "../../support/stacks";

const GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway";
const FILTER = "kubernetes:networking.istio.io/v1alpha3:EnvoyFilter";
const CONFIG_MAP = "kubernetes:core/v1:ConfigMap";

const deploy = (tls: object) => register(() => new UnifiedGateway("gateway", stack({ gateway: { tls } })));

const gatewaySpec = (resources: readonly Registered[]) =>
  plain(only(resources, GATEWAY).inputs.spec) as { tls?: unknown; listeners: { tls?: { options?: unknown } }[] };

const valid = (resources: readonly Registered[]) => assert.deepEqual(schemaErrors("standard", resources), []);

describe("components/minimumTlsVersion", () => {
  it("raises the minimum only on this gateway's https listener", async () => {
    const resources = await deploy({ minVersion: "1.3" });
    valid(resources);
    const { inputs } = only(resources, FILTER, "gateway-minimum-tls-version");
    assert.equal((inputs.metadata as { name: string }).name, "unified-gateway--minimum-tls-version");
    assert.deepEqual(plain(inputs.spec), {
      targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "unified-gateway" }],
      priority: 10,
      configPatches: [
        {
          applyTo: "FILTER_CHAIN",
          match: { context: "GATEWAY", listener: { portNumber: 443 } },
          patch: {
            operation: "MERGE",
            value: {
              transport_socket: {
                name: "envoy.transport_sockets.tls",
                typed_config: {
                  "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                  common_tls_context: { tls_params: { tls_minimum_protocol_version: "TLSv1_3" } },
                },
              },
            },
          },
        },
      ],
    });
    assert.equal(gatewaySpec(resources).listeners[1]?.tls?.options, undefined);
  });

  it("emits nothing for TLS 1.2, which is Istio's own minimum", async () => {
    const resources = await deploy({});
    const isFor = ({ type, name }: Registered) =>
      (type === FILTER && name.includes("tls")) || (type === CONFIG_MAP && name.includes("authorities"));
    assert.ok(!resources.some(isFor));
    assert.equal(gatewaySpec(resources).tls, undefined);
  });
});

describe("components/clientAuthorities", () => {
  it("keeps the CAs in a ConfigMap that the Gateway refers to", async () => {
    const { certificatePem: caCertificate } = await testAuthority(365);
    for (const mode of ["AllowValidOnly", "AllowInsecureFallback"]) {
      const resources = await deploy({ clientCertificates: { caCertificate, mode } });
      valid(resources);
      const configMap = only(resources, CONFIG_MAP, "gateway-client-authorities");
      assert.deepEqual(metadataOf(configMap), {
        name: "unified-gateway--client-ca",
        namespace: "istio-system",
        labels: { "app.kubernetes.io/part-of": "unified-gateway", "unified-gateway/gateway-namespace": "istio-system" },
      });
      assert.deepEqual(configMap.inputs.data, { "ca.crt": caCertificate });
      const { tls, listeners } = gatewaySpec(resources);
      const caCertificateRefs = [{ group: "", kind: "ConfigMap", name: "unified-gateway--client-ca" }];
      assert.deepEqual(tls, { frontend: { default: { validation: { caCertificateRefs, mode } } } });
      const options = listeners[1]?.tls?.options as Record<string, string>;
      const isRequired = mode === "AllowValidOnly";
      assert.equal(options["gateway.istio.io/tls-terminate-mode"], isRequired ? "MUTUAL" : undefined);
    }
  });
});
