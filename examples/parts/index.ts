import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
  Access,
  Certificate,
  ClientAuthorities,
  clusterProvider,
  envoyFilters,
  ExternalHosts,
  gatewayConfig,
  HttpsRedirect,
  ListenerAdmission,
  requireExistingGateway,
  requireGatewayApi,
  Routes,
  StreamRoutes,
  tcpRouteVersion,
  TlsGateway,
} from "istio-unified-gateway";

export = async () => {
  const cluster = clusterProvider("cluster", {});
  const opts = { provider: cluster };

  // The company's CA, from a Secret that is in the cluster already.
  const { data } = k8s.core.v1.Secret.get("company-ca", "internal/company-ca", opts);
  const fromSecret = (key: string) => data.apply((values) => Buffer.from(values[key], "base64").toString());

  // The stack of examples/another-program, or any other that has the output.
  const platform = new pulumi.StackReference(new pulumi.Config().require("platform"));

  // Names and hosts decide which objects there are, and are checked before one is made: here the domain is awaited.
  const config = gatewayConfig({
    domain: await platform.requireOutputValue("domain"),
    gateway: {
      name: "internal-gateway",
      namespace: "internal",
      address: "192.168.51.251",
      clientAddress: { trustedProxies: 0 },
      // The team may bring listeners of its own, as ListenerSets.
      allowedListeners: [{ namespace: "tools", hosts: ["*.tools.test"] }],
      // Clients need a certificate of the same CA.
      tls: { clientCertificates: { caCertificate: fromSecret("tls.crt") } },
    },
    certificate: { type: "ca-signed", caCertificate: fromSecret("tls.crt"), caPrivateKey: fromSecret("tls.key") },
    services: [
      { name: "wiki", namespace: "tools", port: 8080, access: { allow: ["192.168.0.0/16"] } },
      { name: "postgres", namespace: "tools", protocol: "tcp", listenPort: 5432, port: 5432 },
    ],
  });
  const { gateway, services, streams, protect } = config;
  const gatewayApi = await requireGatewayApi("gateway-api", config.fieldUses, config.kubernetes, opts);
  // Only with `gateway.existing`: fails if that Service does not fit.
  await requireExistingGateway("existing-gateway", config, opts);

  const certificates = config.certificates.map(
    ({ config, dnsNames }) =>
      new Certificate(`internal-${config.secretName}`, { config, dnsNames, gateway, protect }, opts),
  );
  const clients = gateway.tls.clientCertificates;
  const authorities = clients && new ClientAuthorities("internal-clients", { config: clients, gateway }, opts);
  const { allowedListeners } = gateway;
  const admission =
    allowedListeners && new ListenerAdmission("internal-listeners", { config: allowedListeners, gateway }, opts);
  // No route is open before what guards it.
  const { clientAddress } = gateway;
  const access = new Access("internal-access", { services, streams, gateway, clientAddress }, opts);
  const guards = [...access.policies, ...envoyFilters("internal", "routes", config, opts)];
  const external = new ExternalHosts("internal-external", { services, streams, gateway }, opts);
  const routes = [
    new HttpsRedirect(
      "internal-redirect",
      { gateway, hostnames: config.listeners.flatMap(({ hostname }) => hostname ?? []) },
      opts,
    ),
    new Routes("internal", { services, gateway, guards }, { ...opts, dependsOn: external }),
    new StreamRoutes(
      "internal-streams",
      { streams, gateway, tcpRouteVersion: tcpRouteVersion(gatewayApi), guards },
      { ...opts, dependsOn: external },
    ),
  ];

  // The Gateway, last, admits the routes.
  const entry = new TlsGateway(
    "internal",
    {
      config: gateway,
      listeners: config.listeners,
      streamListeners: streams.flatMap(({ listenPort: port, namespace, listeners }) =>
        listeners.map((listener) => ({ ...listener, port, namespaces: [namespace] })),
      ),
      clientAuthorities: authorities?.objectName,
      protect,
    },
    {
      ...opts,
      dependsOn: [
        ...certificates,
        ...routes,
        ...envoyFilters("internal", "gateway", config, opts),
        ...[admission ?? []].flat(),
      ],
    },
  );

  return { address: entry.address, certificates: certificates.map(({ info }) => info) };
};
