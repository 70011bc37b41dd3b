import { caProblems } from "../certificateAuthority";
import type { Problem } from "../problem";
import { accessProblems } from "./access";
import { backendProblems } from "./backends";
import { canaryProblems } from "./canary";
import { cipherProblems, renewalProblems } from "./certificate";
import { grpcProblems } from "./grpc";
import { corsProblems } from "./cors";
import { gatewayApiProblems } from "./gatewayApi";
import { hardeningProblems } from "./hardening";
import { duplicateProblems, hostProblems } from "./hosts";
import { mtlsProblems } from "./mtls";
import { namespaceProblems } from "./namespaces";
import { pathProblems } from "./paths";
import { retryProblems } from "./retry";
import { rateLimitProblems, rateLimitServiceProblems } from "./rateLimit";
import type { SoundStack } from "./soundStack";
import { trafficPolicyProblems } from "./trafficPolicy";
import { versionProblems } from "./versions";

export type { IndexedService, SoundStack } from "./soundStack";

/** Rules between the keys of a stack: one function each, named by what it finds. */
const RULES: readonly ((stack: SoundStack) => Problem[])[] = [
  namespaceProblems,
  renewalProblems,
  caProblems,
  cipherProblems,
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
];

/** Everything that breaks a rule between keys. */
export function invariantProblems(stack: SoundStack): Problem[] {
  return RULES.flatMap((rule) => rule(stack));
}
