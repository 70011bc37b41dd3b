import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "../config";
import { Access } from "./access/access";
import { BackendPolicy } from "./backends/trafficPolicy";
import { Certificate, type CertificateInfo } from "./certificate/certificate";
import { ClientAuthorities } from "./entry/clientAuthorities";
import { dnsRecords } from "./entry/dnsRecords";
import { GatewayTelemetry } from "./telemetry/telemetry";
import { GlobalRateLimit } from "./limits/globalRateLimit";
import { fieldManager } from "./cluster/fieldManager";
import { GatewayEnvoyFilter } from "./shared/gatewayEnvoyFilter";
import { hardeningSpec } from "./entry/hardening";
import { HttpsRedirect } from "./entry/httpsRedirect";
import { localRateLimitSpec } from "./limits/localRateLimit";
import { GatewayMetrics, statsAnnotations } from "./telemetry/metrics";
import { minimumTlsVersionSpec } from "./entry/minimumTlsVersion";
import { requestLimitsSpec } from "./limits/limits";
import { RouteNamespaces } from "./entry/routeNamespaces";
import { rootRewriteSpec } from "./routing/rootRewrite";
import { routeRetrySpec } from "./routing/retry";
import { Routes } from "./routing/routes";
import { stackReadme } from "./stackReadme";
import { StrictMtls } from "./backends/strictMtls";
import { TlsGateway } from "./entry/tlsGateway";
import { VersionServices } from "./routing/versionServices";

/** A checked stack config, without the cluster: that is the provider's. */
export type UnifiedGatewayArgs = Omit<StackConfig, "kubernetes" | "fieldUses">;

/** One TLS entry point: the certificate, the Gateway, the redirect, and a route for each service. */
export class UnifiedGateway extends pulumi.ComponentResource {
  /** URL of each service, by its name. */
  readonly endpoints: pulumi.Output<Record<string, string>>;
  /** Zone-file lines, one for each host. */
  readonly dnsRecords: pulumi.Output<string[]>;
  readonly certificate: pulumi.Output<CertificateInfo>;
  /** Markdown for the stack's page. */
  readonly readme: pulumi.Output<string>;

  constructor(name: string, args: UnifiedGatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    const { domain, gateway, services, protect } = args;
    const transformations = [...(opts?.transformations ?? []), fieldManager(gateway, args.adopt)];
    super("istio-gateway:index:UnifiedGateway", name, {}, { ...opts, transformations });
    const child = { parent: this };

    const certificate = new Certificate(
      `${name}-certificate`,
      { config: args.certificate, domain, gatewayName: gateway.name, namespace: gateway.namespace, protect },
      child,
    );
    const ofGateway = { gatewayName: gateway.name, gatewayNamespace: gateway.namespace };
    const { clientCertificates, minVersion } = gateway.tls;
    const clientAuthorities =
      clientCertificates &&
      new ClientAuthorities(
        `${name}-client-authorities`,
        { config: clientCertificates, gatewayName: gateway.name, namespace: gateway.namespace },
        child,
      );
    const minimum =
      minVersion === "1.3"
        ? new GatewayEnvoyFilter(
            `${name}-minimum-tls-version`,
            { feature: "minimum-tls-version", spec: minimumTlsVersionSpec(gateway.name), ...ofGateway },
            child,
          )
        : undefined;
    const entry = new TlsGateway(
      name,
      {
        domain,
        config: gateway,
        secretName: certificate.secretName,
        clientAuthorities: clientAuthorities?.configMapName,
        podAnnotations: statsAnnotations(args.telemetry),
        certManager: args.certificate.mode === "cert-manager" ? args.certificate : undefined,
        protect,
      },
      // No client comes before the listener has its minimum.
      { parent: this, dependsOn: minimum },
    );

    const access = new Access(
      `${name}-access`,
      {
        services,
        gatewayName: gateway.name,
        gatewayNamespace: gateway.namespace,
        domain,
        clientAddress: gateway.clientAddress,
        denyByDefault: args.denyByDefault,
      },
      child,
    );

    // Routes come after the Gateway that they name, and go before it.
    new HttpsRedirect(
      `${name}-redirect`,
      { gatewayName: gateway.name, namespace: gateway.namespace, domain },
      { parent: this, dependsOn: entry },
    );
    const before: pulumi.Resource[] = [entry, access];
    if (gateway.allowedRoutes === "Selector") {
      const namespaces = services.map((service) => service.namespace);
      before.push(new RouteNamespaces(`${name}-namespaces`, { gatewayName: gateway.name, namespaces }, child));
    }
    if (services.some((service) => service.versions.length > 0)) {
      before.push(new VersionServices(`${name}-versions`, { services, gatewayName: gateway.name }, child));
    }
    const dnsTtlSeconds = gateway.externalDns?.ttlSeconds;
    // No route is open before the policies that guard it.
    new Routes(name, { services, ...ofGateway, dnsTtlSeconds }, { parent: this, dependsOn: before });

    const filters = {
      hardening: gateway.hardening.enabled === false ? undefined : hardeningSpec(gateway.name, gateway.hardening),
      "request-limits": requestLimitsSpec(services, gateway.name),
      retry: routeRetrySpec(services, gateway.name),
      "root-rewrite": rootRewriteSpec(services, gateway.name),
      "local-rate-limit": localRateLimitSpec(services, gateway.name),
    };
    for (const [feature, spec] of Object.entries(filters)) {
      if (spec !== undefined) {
        new GatewayEnvoyFilter(`${name}-${feature}`, { feature, spec, ...ofGateway }, child);
      }
    }

    const policies = { services, ...ofGateway };
    new BackendPolicy(`${name}-backends`, policies, child);
    if (args.mtls !== undefined) {
      new StrictMtls(`${name}-mtls`, { config: args.mtls, gatewayName: gateway.name }, child);
    }
    if (args.rateLimitService !== undefined) {
      new GlobalRateLimit(`${name}-global-rate-limit`, { ...policies, config: args.rateLimitService }, child);
    }
    new GatewayTelemetry(`${name}-telemetry`, { ...policies, telemetry: args.telemetry }, child);
    const { telemetry, rateLimitService } = args;
    new GatewayMetrics(`${name}-metrics`, { ...policies, telemetry, rateLimitService }, child);

    const hosts = services.map((service) => service.host);
    this.endpoints = pulumi.output(
      Object.fromEntries(services.map((service) => [service.name, `https://${service.host}`])),
    );
    this.dnsRecords = entry.address.apply((address) => dnsRecords(hosts, address, dnsTtlSeconds));
    this.certificate = certificate.info;
    this.readme = pulumi.output(stackReadme(domain, `${gateway.namespace}/${gateway.name}`, services));
    this.registerOutputs({
      endpoints: this.endpoints,
      dnsRecords: this.dnsRecords,
      certificate: this.certificate,
      readme: this.readme,
    });
  }
}
