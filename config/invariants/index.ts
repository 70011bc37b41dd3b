import { caProblems } from "../certificateAuthority";
import type { Problem } from "../problem";
import { accessProblems } from "./access";
import { backendProblems } from "./backends";
import { canaryProblems } from "./canary";
import { lifetimeProblems } from "./certificate";
import { corsProblems } from "./cors";
import { gatewayApiProblems } from "./gatewayApi";
import { hardeningProblems } from "./hardening";
import { grpcProblems } from "./grpc";
import { duplicateProblems, hostProblems } from "./hosts";
import { hstsProblems } from "./hsts";
import { mtlsProblems } from "./mtls";
import { namespaceProblems } from "./namespaces";
import { pathProblems } from "./paths";
import { retryProblems } from "./retry";
import { rateLimitProblems, rateLimitServiceProblems } from "./rateLimit";
import type { SoundStack } from "./soundStack";
import { telemetryProblems } from "./telemetry";
import { cipherProblems, clientCertificateProblems } from "./tls";
import { trafficPolicyProblems } from "./trafficPolicy";
import { versionProblems } from "./versions";

export type { IndexedService, SoundStack } from "./soundStack";

/** Rules between the keys of a stack: one function each, named by what it finds. */
const RULES: readonly ((stack: SoundStack) => Problem[])[] = [
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
export function invariantProblems(stack: SoundStack): Problem[] {
  return RULES.flatMap((rule) => rule(stack));
}
