import assert from "node:assert/strict";
import { tlsParametersPatches } from "../../../components/entry/tlsParameters";
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

/** What is merged into Envoy's `tls_params` for these settings. */
const merged = (tls: Parameters<typeof tlsParametersPatches>[0]) =>
  tlsParametersPatches(tls, stack({})).map(({ patch }) => {
    const { typed_config } = patch.value.transport_socket as { typed_config: { common_tls_context: object } };
    return typed_config.common_tls_context;
  });

describe("components/tlsParameters", () => {
  const GROUPS = ["X25519MLKEM768", "X25519", "P-256", "P-384"];

  it("offers Mozilla's groups, only on the chain of the gateway's own https listener", async () => {
    const resources = await deploy({});
    valid(resources);
    const { inputs } = only(resources, FILTER, "gateway-tls-parameters");
    assert.equal((inputs.metadata as { name: string }).name, "unified-gateway--tls-parameters");
    assert.deepEqual(plain(inputs.spec), {
      targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "unified-gateway" }],
      priority: 10,
      configPatches: [
        {
          applyTo: "FILTER_CHAIN",
          match: { context: "GATEWAY", listener: { portNumber: 443, filterChain: { sni: "*.example.test" } } },
          patch: {
            operation: "MERGE",
            value: {
              transport_socket: {
                name: "envoy.transport_sockets.tls",
                typed_config: {
                  "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                  common_tls_context: { tls_params: { ecdh_curves: GROUPS } },
                },
              },
            },
          },
        },
      ],
    });
    assert.equal(gatewaySpec(resources).tls, undefined);
  });

  it("raises the minimum version, with groups or without, and keeps their order", () => {
    const tls_minimum_protocol_version = "TLSv1_3";
    const groups = ["P-384" as const, "X25519MLKEM768" as const];
    assert.deepEqual(merged({ minVersion: "1.3", groups: false }), [{ tls_params: { tls_minimum_protocol_version } }]);
    assert.deepEqual(merged({ minVersion: "1.2", groups }), [{ tls_params: { ecdh_curves: groups } }]);
    assert.deepEqual(merged({ minVersion: "1.3", groups }), [
      { tls_params: { tls_minimum_protocol_version, ecdh_curves: groups } },
    ]);
  });

  it("passes no cipher suites of TLS 1.2 to Istio if 1.3 is the minimum", async () => {
    assert.equal(gatewaySpec(await deploy({ minVersion: "1.3" })).listeners[1]?.tls?.options, undefined);
  });

  it("emits nothing without groups for TLS 1.2, which is Istio's own minimum", async () => {
    const resources = await deploy({ groups: false });
    const isFor = ({ type, name }: Registered) =>
      (type === FILTER && name.includes("tls")) || (type === CONFIG_MAP && name.includes("authorities"));
    assert.ok(!resources.some(isFor));
  });

  it("patches the chain of each host name that ends TLS, once, or all of a port where one takes every host", () => {
    const stream = (protocol: string, listenPort: number) => ({
      name: `${protocol}-${listenPort}`,
      namespace: "apps",
      protocol,
      listenPort,
    });
    const matches = (...services: object[]) => {
      const { listeners, streams } = stack({ services: [{ name: "web", namespace: "apps" }, ...services] });
      return tlsParametersPatches({ minVersion: "1.3", groups: false }, { listeners, streams }).map(
        ({ match }) => match.listener,
      );
    };
    const chain = (sni: string, portNumber = 443) => ({ portNumber, filterChain: { sni } });
    const ended = [stream("tls-terminate", 443), stream("tls-terminate", 5432)];
    const others = [stream("tls-passthrough", 5432), { name: "db", namespace: "apps", protocol: "tcp", listenPort: 1 }];
    assert.deepEqual(matches({ name: "apex", namespace: "apps", host: "example.test" }, ...ended, ...others), [
      chain("example.test"),
      chain("*.example.test"),
      chain("tls-terminate-443.example.test"),
      chain("tls-terminate-5432.example.test", 5432),
    ]);
    assert.deepEqual(matches({ name: "rest", namespace: "apps", host: "*" }, ...ended), [
      { portNumber: 443 },
      chain("tls-terminate-5432.example.test", 5432),
    ]);
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
