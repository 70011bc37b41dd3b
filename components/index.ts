/**
 * What another Pulumi program imports: the whole gateway, the check of its config, and the parts that stand by themselves.
 * See examples/another-program.
 */
export { gatewayConfig, type GatewayConfigInput, type StackConfig } from "../config";
export { UnifiedGateway, type UnifiedGatewayArgs } from "./unifiedGateway";
export { requireGatewayApi } from "./cluster/gatewayApiCrds";
export { Certificate, type CertificateArgs, type CertificateInfo } from "./certificate/certificate";
export { TlsGateway, type TlsGatewayArgs } from "./entry/tlsGateway";
export { HttpsRedirect, type HttpsRedirectArgs } from "./entry/httpsRedirect";
export { Routes, type RoutesArgs } from "./routing/routes";
export { StrictMtls, type StrictMtlsArgs } from "./backends/strictMtls";
