import * as k8s from "@pulumi/kubernetes";
import { gatewayConfig, UnifiedGateway } from "istio-unified-gateway";

// Its mistakes are told before anything is made, as those of a stack's config are.
const config = gatewayConfig({
  domain: "team.example.com",
  gateway: { name: "team-gateway", namespace: "team", address: "192.168.51.250" },
  services: [
    { name: "shop", namespace: "team", port: 8080, rateLimit: { type: "local", requests: 100, per: "second" } },
  ],
});

const cluster = new k8s.Provider("cluster", {
  enableServerSideApply: true,
  // A renewed certificate changes the Secret in place: the listener never loses it.
  enableSecretMutable: true,
  enableConfigMapMutable: true,
});

const gateway = new UnifiedGateway("gateway", config, { providers: { kubernetes: cluster } });

// What the gateway knows is there for the rest of the program.
new k8s.core.v1.ConfigMap(
  "shop-url",
  {
    metadata: { name: "shop-url", namespace: "team" },
    data: { url: gateway.endpoints.apply(({ shop = "" }) => shop) },
  },
  { provider: cluster },
);

/** For other stacks: examples/parts reads it. */
export const [domain] = config.domains;
export const { endpoints, dnsRecords } = gateway;
