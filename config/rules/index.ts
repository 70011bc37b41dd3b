import { caProblems } from "./certificate/authority";
import type { Problem } from "../values/problem";
import { accessProblems } from "./access/access";
import { backendProblems } from "./routing/backends";
import { canaryProblems } from "./routing/canary";
import { lifetimeProblems } from "./certificate/lifetime";
import { corsProblems } from "./routing/cors";
import { gatewayApiProblems } from "./cluster/gatewayApi";
import { hardeningProblems } from "./entry/hardening";
import { grpcProblems } from "./routing/grpc";
import { duplicateProblems, hostProblems } from "./routing/hosts";
import { hstsProblems } from "./entry/hsts";
import { mtlsProblems } from "./backends/mtls";
import { namespaceProblems } from "./entry/allowedRoutes";
import { pathProblems } from "./routing/paths";
import { retryProblems } from "./routing/retry";
import { rateLimitProblems, rateLimitServiceProblems } from "./limits/rateLimit";
import type { CheckedStack } from "./checkedStack";
import { telemetryProblems } from "./telemetry/telemetry";
import { cipherProblems, clientCertificateProblems } from "./entry/tls";
import { trafficPolicyProblems } from "./backends/trafficPolicy";
import { versionProblems } from "./routing/versions";

export type { IndexedService } from "../schema/service";
export type { CheckedStack } from "./checkedStack";

/** Rules between the keys of a stack: one function each, named by what it finds. */
const RULES: readonly ((stack: CheckedStack) => Problem[])[] = [
  namespaceProblems,
  lifetimeProblems,
  caProblems,
  cipherProblems,
  clientCertificateProblems,
  hostProblems,
  backendProblems,
  canaryProblems,
  versionProblems,
  pathProblems,
  grpcProblems,
  duplicateProblems,
  trafficPolicyProblems,
  accessProblems,
  mtlsProblems,
  retryProblems,
  corsProblems,
  gatewayApiProblems,
  hardeningProblems,
  rateLimitProblems,
  rateLimitServiceProblems,
  hstsProblems,
  telemetryProblems,
];

/** Everything that breaks a rule between keys. */
export function ruleProblems(stack: CheckedStack): Problem[] {
  return RULES.flatMap((rule) => rule(stack));
}
