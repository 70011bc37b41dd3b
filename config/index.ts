export { milliseconds } from "./duration";
export { backendsOf } from "./model";
export { stackConfig } from "./pulumiConfig";
export type { Backend, Rule, Service, StackConfig, Version } from "./model";
