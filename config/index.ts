export { milliseconds } from "./values/duration";
export { backendsOf } from "./resolve/model";
export { gatewayConfig, stackConfig, type GatewayConfigInput } from "./load/pulumiConfig";
export type { Backend, NamedPort, Port, Rule, Service, StackConfig, Version } from "./resolve/model";
