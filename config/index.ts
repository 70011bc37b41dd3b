export { milliseconds } from "./values/duration";
export { backendsOf, isExternal, serviceTargets, targetName, targetsOf } from "./resolve/model";
export { gatewayConfig, stackConfig, type GatewayConfigInput } from "./load/pulumiConfig";
export type {
  Backend,
  ExternalTarget,
  NamedPort,
  Port,
  Rule,
  Service,
  ServiceTarget,
  StackConfig,
  Target,
  Version,
} from "./resolve/model";
