import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "../config";
import { httpsUrl } from "../config/resolve/protocols";
import { redirectsOf } from "../config/resolve/redirects";
import { infrastructureOf } from "../config/resolve/infrastructure";
import type { TCPRouteVersion } from "../kinds/streamRoutes";
import { Access } from "./access/access";
import { ExternalHosts, serviceEntries } from "./backends/externalHosts";
import { StrictMtls } from "./backends/strictMtls";
import { BackendPolicy } from "./backends/trafficPolicy";
import { Certificate, type CertificateInfo } from "./certificate/certificate";
import { fieldManager } from "./cluster/fieldManager";
import { ObjectSizes } from "./cluster/objectSizes";
import { ClientAuthorities } from "./entry/clientAuthorities";
import { dnsRecords } from "./entry/dnsRecords";
import { HttpsRedirect, redirectPages, redirectParts } from "./entry/httpsRedirect";
import { ListenerAdmission } from "./entry/listenerAdmission";
import { TlsGateway } from "./entry/tlsGateway";
import { envoyFilters, httpFilterNames } from "./envoyFilters";
import { RateLimitService } from "./limits/rateLimitService";
import { Routes, type RoutesArgs } from "./routing/routes";
import { StreamRoutes } from "./routing/streamRoutes";
import { VersionServices } from "./routing/versionServices";
import { qualifiedName } from "./shared/naming";
import { stackReadme } from "./stackReadme";
import { statsAnnotations } from "./telemetry/metricNames";
import { GatewayMetrics } from "./telemetry/metrics";
import { GatewayTelemetry } from "./telemetry/telemetry";

/** What `gatewayConfig()` returns, except the cluster, which is up to the provider. */
export type UnifiedGatewayArgs = Omit<StackConfig<number>, "kubernetes" | "fieldUses" | "namedPorts"> & {
  /**
   * Field manager of every object, at most 128 characters. Under another name an update conflicts with the old one, so it does
   * not derive from the Gateway's, which may change. Default: `istio-gateway/NAME`, after this resource.
   */
  readonly fieldManager?: string;
  /** Version of TCPRoute that the cluster's CRDs have: `tcpRouteVersion()`. Default: v1, of Gateway API 1.6. */
  readonly tcpRouteVersion?: TCPRouteVersion;
};

/** What must exist before a route, and as long as it does. */
type Guards = Required<Pick<RoutesArgs, "guards" | "guardsOf">>;

/** One TLS entry point: the certificate, the Gateway, the redirect, and a route for each service. */
export class UnifiedGateway extends pulumi.ComponentResource {
  /** URL of each service, by name. */
  readonly endpoints: pulumi.Output<Record<string, string>>;
  /** Zone-file lines, one per host. */
  readonly dnsRecords: pulumi.Output<string[]>;
  /** Each certificate's names, fingerprint and expiry, and what clients have to trust; the stack's own first. */
  readonly certificates: pulumi.Output<CertificateInfo[]>;
  /** Markdown for the stack's page. */
  readonly readme: pulumi.Output<string>;

  constructor(name: string, args: UnifiedGatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    const manager = args.fieldManager ?? `istio-gateway/${name}`;
    const sizes = new ObjectSizes(args.gateway);
    const transformations = [...(opts?.transformations ?? []), fieldManager(manager), sizes.transformation];
    super("istio-gateway:index:UnifiedGateway", name, {}, { ...opts, transformations });

    const certificates = this.makeCertificates(name, args);
    const guards = this.makeGuards(name, args);
    const targets = this.makeTargets(name, args);
    const routes = this.makeRoutes(name, args, guards, targets);
    const entry = this.makeEntry(name, args, certificates, routes);
    this.makeTelemetry(name, args);
    sizes.check();

    const { gateway, services } = args;
    this.endpoints = pulumi.output(
      Object.fromEntries(services.map((service) => [service.name, httpsUrl(service.host, service.listenPort)])),
    );
    this.dnsRecords = entry.addresses.apply((addresses) => dnsRecords(args, addresses));
    this.certificates = pulumi.all([...certificates.values()].map(({ info }) => info));
    this.readme = pulumi.output(stackReadme(args, qualifiedName(gateway)));
    this.registerOutputs({
      endpoints: this.endpoints,
      dnsRecords: this.dnsRecords,
      certificates: this.certificates,
      readme: this.readme,
    });
  }

  /** By the names of their Secrets. */
  private makeCertificates(name: string, args: UnifiedGatewayArgs): Map<string, Certificate> {
    const { certificates, gateway, protect } = args;
    return new Map(
      certificates.map(({ key, config, dnsNames }) => {
        const certificate = `${name}-certificate${key === "" ? "" : `-${key}`}`;
        const args = { config, dnsNames, gateway, protect };
        return [config.secretName, new Certificate(certificate, args, { parent: this })];
      }),
    );
  }

  /**
   * The Gateway, last of all: nobody can connect before what it needs exists. It lists the namespaces that routes may come from,
   * and must not drop one before the route that takes over its host exists.
   */
  private makeEntry(
    name: string,
    args: UnifiedGatewayArgs,
    certificates: ReadonlyMap<string, Certificate>,
    routes: pulumi.Resource[],
  ): TlsGateway {
    const { gateway, telemetry, protect } = args;
    const { clientCertificates: config } = gateway.tls;
    const authorities =
      config && new ClientAuthorities(`${name}-client-authorities`, { config, gateway }, { parent: this });
    const { allowedListeners } = gateway;
    const admission =
      allowedListeners === undefined
        ? []
        : [
            new ListenerAdmission(
              `${name}-listener-admission`,
              { config: allowedListeners, gateway },
              { parent: this },
            ),
          ];
    const dependsOn = [
      ...admission,
      ...routes,
      ...envoyFilters(name, "gateway", args, { parent: this }),
      ...this.makeHostAuthorities(name, args),
    ];
    const secretOf = (secretName: string) => certificates.get(secretName)?.secretName ?? secretName;
    return new TlsGateway(
      name,
      {
        config: gateway,
        listeners: args.listeners.map((listener) => ({
          ...listener,
          secretNames: listener.secretNames.map(secretOf),
        })),
        plainListeners: args.plainListeners,
        streamListeners: args.streams.flatMap(({ listenPort, namespace, listeners }) =>
          listeners.map(({ secretNames, ...listener }) => ({
            ...listener,
            port: listenPort,
            secretNames: secretNames.map(secretOf),
            namespaces: [namespace],
          })),
        ),
        clientAuthorities: authorities?.objectName,
        podAnnotations: statsAnnotations(telemetry),
        protect,
      },
      { parent: this, dependsOn },
    );
  }

  /** The CAs of listeners that check their own clients, by the Secret that they are next to. */
  private makeHostAuthorities(name: string, { listeners, gateway }: UnifiedGatewayArgs): pulumi.Resource[] {
    const configs = listeners.flatMap(({ secretNames: [secretName], clientCertificates }) =>
      secretName === undefined || clientCertificates === undefined ? [] : [[secretName, clientCertificates] as const],
    );
    return [...new Map(configs)].map(
      ([secretName, config]) =>
        new ClientAuthorities(
          `${name}-client-authorities-${secretName}`,
          { config, gateway, secretName },
          { parent: this },
        ),
    );
  }

  /** Everything that refuses, limits or cuts off requests. No route opens before it exists, and none is open after it. */
  private makeGuards(name: string, args: UnifiedGatewayArgs): Guards {
    const { gateway, services, streams, rateLimitService: config } = args;
    const { clientAddress } = gateway;
    const child = { parent: this };
    const counting =
      config && new RateLimitService(`${name}-rate-limit-service`, { config, services, gateway }, { parent: this });
    const backends = new BackendPolicy(`${name}-backends`, { services, gateway }, child);
    const guards = [
      ...new Access(`${name}-access`, { services, streams, gateway, clientAddress }, child).policies,
      // A proxy that calls the service before it is up would count that as a failure.
      ...envoyFilters(name, "routes", args, { parent: this, dependsOn: counting }),
      ...(args.mtls === undefined ? [] : [new StrictMtls(`${name}-mtls`, { config: args.mtls, gateway }, child)]),
    ];
    return { guards, guardsOf: (service) => backends.policiesOf(service) };
  }

  /** What routes send requests to, where the program makes it. */
  private makeTargets(name: string, { gateway, services, streams }: UnifiedGatewayArgs): pulumi.Resource[] {
    const child = { parent: this };
    return [
      ...(services.some(({ versions }) => versions.length > 0)
        ? [new VersionServices(`${name}-versions`, { services, gateway }, child)]
        : []),
      ...(serviceEntries({ services, streams, gateway }).length > 0
        ? [new ExternalHosts(`${name}-external`, { services, streams, gateway }, child)]
        : []),
    ];
  }

  /** The services' routes, and the redirects on the http listener. */
  private makeRoutes(
    name: string,
    args: UnifiedGatewayArgs,
    guards: Guards,
    targets: pulumi.Resource[],
  ): pulumi.Resource[] {
    const { gateway, services, streams } = args;
    const { httpsRedirect: config, clientAddress } = gateway;
    const redirects = redirectsOf(args).flatMap(({ port, hostnames }) =>
      redirectPages(hostnames).map((hostnames, index) => {
        const which = { page: index + 1, port };
        const redirect = [`${name}-redirect`, ...redirectParts(which)].join("-");
        return new HttpsRedirect(redirect, { gateway, hostnames, ...which, config, clientAddress }, { parent: this });
      }),
    );
    return [
      ...redirects,
      new Routes(name, { services, gateway, ...guards }, { parent: this, dependsOn: targets }),
      ...(streams.length === 0
        ? []
        : [
            new StreamRoutes(
              `${name}-streams`,
              { streams, gateway, tcpRouteVersion: args.tcpRouteVersion, guards: guards.guards },
              { parent: this, dependsOn: targets },
            ),
          ]),
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
