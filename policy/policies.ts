import { noEmptyAllowRule } from "./authorization";
import { verifiedBackendsInProduction } from "./backendTls";
import { certificateLifetime, rsaKeySize } from "./certificate";
import { noForeignEnvoyFilter } from "./envoyFilter";
import { noFaultInProduction } from "./fault";
import { gatewayProtectedInProduction, noOpenListenerInProduction } from "./gateway";
import { clientAddressesInProduction, gatewayAvailableInProduction } from "./infrastructure";
import { serviceLimit, serviceLimitInProduction } from "./rateLimit";
import { strictMutualTls } from "./mutualTls";
import type { ResourcePolicy, StackPolicy } from "./policy";
import { noPlaintextRoute, serviceTimeout } from "./routes";

/** A policy with any settings: each reads those that it declares. */
export type AnyPolicy = ResourcePolicy<never> | StackPolicy<never>;

/** In the order of docs/review.md. */
export const POLICIES: readonly AnyPolicy[] = [
  noPlaintextRoute,
  noOpenListenerInProduction,
  gatewayProtectedInProduction,
  gatewayAvailableInProduction,
  clientAddressesInProduction,
  strictMutualTls,
  verifiedBackendsInProduction,
  rsaKeySize,
  certificateLifetime,
  noEmptyAllowRule,
  serviceTimeout,
  serviceLimit,
  serviceLimitInProduction,
  noFaultInProduction,
  noForeignEnvoyFilter,
];
