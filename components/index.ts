/**
 * What another Pulumi program imports: the whole gateway, the check of its config, and the parts that stand by themselves.
 * See examples/another-program.
 */
export { gatewayConfig, type GatewayConfigInput, type StackConfig } from "../config";
export { UnifiedGateway, type UnifiedGatewayArgs } from "./unifiedGateway";
export { requireGatewayApi } from "./gatewayApiCrds";
export { Certificate, type CertificateArgs, type CertificateInfo } from "./certificate";
export { TlsGateway, type TlsGatewayArgs } from "./tlsGateway";
export { HttpsRedirect, type HttpsRedirectArgs } from "./httpsRedirect";
export { Routes, type RoutesArgs } from "./routes";
export { StrictMtls, type StrictMtlsArgs } from "./strictMtls";
