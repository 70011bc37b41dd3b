/**
 * What another Pulumi program imports: the whole gateway, its config check, and each part that works on its own.
 * docs/components.md says when to use which; examples/ has a program for each.
 */
export { gatewayConfig, type GatewayConfigInput, type Rule, type Service, type StackConfig } from "../config";
export type { GatewayRef } from "./shared/naming";

export { UnifiedGateway, type UnifiedGatewayArgs } from "./unifiedGateway";

export { clusterProvider } from "./cluster/clusterProvider";
export { requireGatewayApi, tcpRouteVersion } from "./cluster/gatewayApiCrds";
export { requireExistingGateway } from "./entry/existingGateway";

export { Certificate, type CertificateArgs, type CertificateInfo } from "./certificate/certificate";
export { ClientAuthorities, type ClientAuthoritiesArgs } from "./entry/clientAuthorities";
export { ListenerAdmission, type ListenerAdmissionArgs } from "./entry/listenerAdmission";
export { TlsGateway, type TlsGatewayArgs } from "./entry/tlsGateway";
export { HttpsRedirect, type HttpsRedirectArgs } from "./entry/httpsRedirect";

export { Access, type AccessArgs } from "./access/access";
export { BackendPolicy, type BackendPolicyArgs } from "./backends/trafficPolicy";
export { ExternalHosts, type ExternalHostsArgs } from "./backends/externalHosts";
export { StrictMtls, type StrictMtlsArgs } from "./backends/strictMtls";
export { RateLimitService, type RateLimitServiceArgs } from "./limits/rateLimitService";
export { ENVOY_FILTERS, type EnvoyFilterConfig, envoyFilters, httpFilterNames } from "./envoyFilters";
export { GatewayEnvoyFilter, type GatewayEnvoyFilterArgs } from "./shared/gatewayEnvoyFilter";

export { Routes, type RoutesArgs } from "./routing/routes";
export { StreamRoutes, type StreamRoutesArgs } from "./routing/streamRoutes";
export { VersionServices, type VersionServicesArgs } from "./routing/versionServices";

export { GatewayMetrics, type GatewayMetricsArgs } from "./telemetry/metrics";
export { GatewayTelemetry, type GatewayTelemetryArgs } from "./telemetry/telemetry";
