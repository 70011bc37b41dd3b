import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "../config";
import { infrastructureOf } from "../config/resolve/infrastructure";
import { Access } from "./access/access";
import { StrictMtls } from "./backends/strictMtls";
import { BackendPolicy } from "./backends/trafficPolicy";
import { Certificate, type CertificateInfo } from "./certificate/certificate";
import { fieldManager } from "./cluster/fieldManager";
import { ObjectSizes } from "./cluster/objectSizes";
import { ClientAuthorities } from "./entry/clientAuthorities";
import { dnsRecords } from "./entry/dnsRecords";
import { HttpsRedirect } from "./entry/httpsRedirect";
import { TlsGateway } from "./entry/tlsGateway";
import { envoyFilters, httpFilterNames } from "./envoyFilters";
import { RateLimitService } from "./limits/rateLimitService";
import { Routes, type RoutesArgs } from "./routing/routes";
import { VersionServices } from "./routing/versionServices";
import { qualifiedName } from "./shared/naming";
import { stackReadme } from "./stackReadme";
import { statsAnnotations } from "./telemetry/metricNames";
import { GatewayMetrics } from "./telemetry/metrics";
import { GatewayTelemetry } from "./telemetry/telemetry";

/** What `gatewayConfig()` returns, except the cluster, which is up to the provider. */
export type UnifiedGatewayArgs = Omit<StackConfig, "kubernetes" | "fieldUses"> & {
  /**
   * Field manager of every object, at most 128 characters. Under another name an update conflicts with the old one, so it does
   * not derive from the Gateway's, which may change. Default: `istio-gateway/NAME`, after this resource.
   */
  readonly fieldManager?: string;
};

/** What must exist before a route, and as long as it does. */
type Guards = Required<Pick<RoutesArgs, "guards" | "guardsOf">>;

/** One TLS entry point: the certificate, the Gateway, the redirect, and a route for each service. */
export class UnifiedGateway extends pulumi.ComponentResource {
  /** URL of each service, by name. */
  readonly endpoints: pulumi.Output<Record<string, string>>;
  /** Zone-file lines, one per host. */
  readonly dnsRecords: pulumi.Output<string[]>;
  /** The certificate's names, fingerprint and expiry, and what clients have to trust. */
  readonly certificate: pulumi.Output<CertificateInfo>;
  /** Markdown for the stack's page. */
  readonly readme: pulumi.Output<string>;

  constructor(name: string, args: UnifiedGatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    const manager = args.fieldManager ?? `istio-gateway/${name}`;
    const sizes = new ObjectSizes(args.gateway);
    const transformations = [...(opts?.transformations ?? []), fieldManager(manager), sizes.transformation];
    super("istio-gateway:index:UnifiedGateway", name, {}, { ...opts, transformations });

    const certificate = this.makeCertificate(name, args);
    const guards = this.makeGuards(name, args);
    const targets = this.makeTargets(name, args);
    const routes = this.makeRoutes(name, args, guards, targets);
    const entry = this.makeEntry(name, args, certificate, routes);
    this.makeTelemetry(name, args);
    sizes.check();

    const { domain, gateway, services } = args;
    const hosts = services.map((service) => service.host);
    this.endpoints = pulumi.output(
      Object.fromEntries(services.map((service) => [service.name, `https://${service.host}`])),
    );
    this.dnsRecords = entry.addresses.apply((addresses) => dnsRecords(hosts, addresses, gateway.externalDns?.ttl));
    this.certificate = certificate.info;
    this.readme = pulumi.output(stackReadme(domain, qualifiedName(gateway), services));
    this.registerOutputs({
      endpoints: this.endpoints,
      dnsRecords: this.dnsRecords,
      certificate: this.certificate,
      readme: this.readme,
    });
  }

  private makeCertificate(name: string, args: UnifiedGatewayArgs): Certificate {
    const { certificate: config, domain, gateway, protect } = args;
    return new Certificate(`${name}-certificate`, { config, domain, gateway, protect }, { parent: this });
  }

  /**
   * The Gateway, last of all: nobody can connect before what it needs exists. It lists the namespaces that routes may come from,
   * and must not drop one before the route that takes over its host exists.
   */
  private makeEntry(
    name: string,
    args: UnifiedGatewayArgs,
    certificate: Certificate,
    routes: pulumi.Resource[],
  ): TlsGateway {
    const { domain, gateway, services, telemetry, protect } = args;
    const { clientCertificates: config } = gateway.tls;
    const authorities =
      config && new ClientAuthorities(`${name}-client-authorities`, { config, gateway }, { parent: this });
    const dependsOn = [...routes, ...envoyFilters(name, "gateway", args, { parent: this })];
    return new TlsGateway(
      name,
      {
        domain,
        config: gateway,
        secretName: certificate.secretName,
        routeNamespaces: services.map((service) => service.namespace),
        clientAuthorities: authorities?.configMapName,
        podAnnotations: statsAnnotations(telemetry),
        certManager: args.certificate.type === "cert-manager" ? args.certificate : undefined,
        protect,
      },
      { parent: this, dependsOn },
    );
  }

  /** Everything that refuses, limits or cuts off requests. No route opens before it exists, and none is open after it. */
  private makeGuards(name: string, args: UnifiedGatewayArgs): Guards {
    const { gateway, services, rateLimitService: config } = args;
    const { clientAddress } = gateway;
    const child = { parent: this };
    const counting =
      config && new RateLimitService(`${name}-rate-limit-service`, { config, services, gateway }, { parent: this });
    const backends = new BackendPolicy(`${name}-backends`, { services, gateway }, child);
    const guards = [
      ...new Access(`${name}-access`, { services, gateway, clientAddress }, child).policies,
      // A proxy that calls the service before it is up would count that as a failure.
      ...envoyFilters(name, "routes", args, { parent: this, dependsOn: counting }),
      ...(args.mtls === undefined ? [] : [new StrictMtls(`${name}-mtls`, { config: args.mtls, gateway }, child)]),
    ];
    return { guards, guardsOf: (service) => backends.policiesOf(service) };
  }

  /** What routes send requests to, where the program makes it. */
  private makeTargets(name: string, { gateway, services }: UnifiedGatewayArgs): pulumi.Resource[] {
    return services.some(({ versions }) => versions.length > 0)
      ? [new VersionServices(`${name}-versions`, { services, gateway }, { parent: this })]
      : [];
  }

  /** The services' routes, and the redirect on the http listener. */
  private makeRoutes(
    name: string,
    args: UnifiedGatewayArgs,
    guards: Guards,
    targets: pulumi.Resource[],
  ): pulumi.Resource[] {
    const { domain, gateway, services } = args;
    const dnsTtl = gateway.externalDns?.ttl;
    const { httpsRedirect: config, clientAddress } = gateway;
    return [
      new HttpsRedirect(`${name}-redirect`, { gateway, domain, config, clientAddress }, { parent: this }),
      new Routes(name, { services, gateway, dnsTtl, ...guards }, { parent: this, dependsOn: targets }),
    ];
  }

  private makeTelemetry(name: string, args: UnifiedGatewayArgs): void {
    const { gateway, services, telemetry, rateLimitService } = args;
    const child = { parent: this };
    const httpFilters = httpFilterNames(args);
    new GatewayTelemetry(`${name}-telemetry`, { services, gateway, telemetry }, child);
    const { replicas: fewest, autoscaling } = infrastructureOf(gateway);
    const proxies = { fewest, most: autoscaling?.maxReplicas };
    new GatewayMetrics(
      `${name}-metrics`,
      { services, gateway, telemetry, rateLimitService, httpFilters, proxies },
      child,
    );
  }
}
