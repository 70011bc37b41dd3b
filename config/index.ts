export { milliseconds } from "./duration";
export { backendsOf } from "./model";
export { gatewayConfig, stackConfig, type GatewayConfigInput } from "./pulumiConfig";
export type { Backend, Rule, Service, StackConfig, Version } from "./model";
