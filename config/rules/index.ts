import { caProblems } from "./certificate/authority";
import { ifReadable } from "../values/partial";
import type { Problem } from "../values/problem";
import { accessProblems } from "./access/access";
import { hiddenTokenProblems, issuerProblems } from "./access/tokens";
import { answerProblems, redirectProblems } from "./routing/answers";
import { backendProblems } from "./routing/backends";
import { canaryProblems, overrideProblems } from "./routing/canary";
import { domainProblems } from "./certificate/domains";
import { lifetimeProblems } from "./certificate/lifetime";
import { listenerProblems } from "./certificate/listeners";
import { corsProblems } from "./routing/cors";
import { faultProblems } from "./routing/fault";
import { gatewayApiProblems } from "./cluster/gatewayApi";
import { existingProblems } from "./entry/existing";
import { gatewayServiceProblems, hiddenClientProblems, sourceRangeProblems } from "./entry/gatewayService";
import { infrastructureProblems } from "./entry/infrastructure";
import { hardeningProblems } from "./entry/hardening";
import { grpcProblems } from "./routing/grpc";
import { duplicateProblems } from "./routing/duplicates";
import { hostProblems, wildcardProblems } from "./routing/hosts";
import { externalDnsProblems } from "./entry/externalDns";
import { plainHttpProblems } from "./entry/plainHttp";
import { hstsProblems } from "./entry/hsts";
import { aliasProblems } from "./backends/aliases";
import { externalHostProblems, externalTlsProblems } from "./backends/external";
import { mtlsProblems } from "./backends/mtls";
import { allowedListenerProblems } from "./entry/allowedListeners";
import { namespaceProblems } from "./entry/allowedRoutes";
import { headerVariableProblems } from "./routing/headers";
import { sessionPersistenceProblems } from "./routing/sessionPersistence";
import { rewriteProblems, ruleNameProblems } from "./routing/paths";
import { portProblems } from "./routing/ports";
import { shadowProblems, tieProblems } from "./routing/precedence";
import { retryProblems } from "./routing/retry";
import { rateLimitProblems, rateLimitServiceProblems, sharedLimitProblems } from "./limits/rateLimit";
import type { CheckedService, CheckedStack } from "./checkedStack";
import { listenPortProblems, streamProblems } from "./routing/streams";
import { telemetryProblems } from "./telemetry/telemetry";
import { clientCertificateProblems, sharedAuthorityProblems } from "./entry/clientCertificates";
import { cipherProblems, everyHostTlsProblems, groupProblems } from "./entry/tls";
import { backendProtocolProblems, retryBudgetProblems, trafficPolicyProblems } from "./backends/trafficPolicy";
import { versionProblems } from "./routing/versions";

export type { CheckedService, CheckedStack } from "./checkedStack";

type StackRule = (stack: CheckedStack) => Problem[];

/** Rules between the keys of a stack: one function each, named after what it finds. */
const RULES: readonly StackRule[] = [
  namespaceProblems,
  allowedListenerProblems,
  existingProblems,
  infrastructureProblems,
  gatewayServiceProblems,
  hiddenClientProblems,
  sourceRangeProblems,
  domainProblems,
  lifetimeProblems,
  caProblems,
  cipherProblems,
  groupProblems,
  everyHostTlsProblems,
  clientCertificateProblems,
  sharedAuthorityProblems,
  hostProblems,
  listenerProblems,
  wildcardProblems,
  streamProblems,
  listenPortProblems,
  answerProblems,
  redirectProblems,
  backendProblems,
  externalHostProblems,
  externalTlsProblems,
  portProblems,
  aliasProblems,
  canaryProblems,
  overrideProblems,
  versionProblems,
  headerVariableProblems,
  rewriteProblems,
  sessionPersistenceProblems,
  ruleNameProblems,
  shadowProblems,
  tieProblems,
  grpcProblems,
  duplicateProblems,
  trafficPolicyProblems,
  backendProtocolProblems,
  retryBudgetProblems,
  accessProblems,
  issuerProblems,
  hiddenTokenProblems,
  mtlsProblems,
  retryProblems,
  corsProblems,
  faultProblems,
  gatewayApiProblems,
  hardeningProblems,
  rateLimitProblems,
  rateLimitServiceProblems,
  sharedLimitProblems,
  hstsProblems,
  plainHttpProblems,
  externalDnsProblems,
  telemetryProblems,
];

/** Everything that breaks a rule between keys. */
export function ruleProblems(stack: CheckedStack): Problem[] {
  return RULES.flatMap((rule) => judged(rule, stack) ?? judgedInParts(rule, stack));
}

/** What a rule finds; undefined if it needs a value that is itself wrong. */
function judged(rule: StackRule, stack: CheckedStack): Problem[] | undefined {
  return ifReadable(() => rule(stack));
}

/** Checks a rule on the whole services, and again with each partial one added; those it cannot read are skipped. */
function judgedInParts(rule: StackRule, stack: CheckedStack): Problem[] {
  const partial = [...stack.services, ...stack.streams].filter(({ isWhole }) => !isWhole);
  const found = [undefined, ...partial].flatMap((added) => {
    const isReadable = (service: CheckedService) => service.isWhole || service === added;
    const [services, streams] = [stack.services.filter(isReadable), stack.streams.filter(isReadable)];
    return judged(rule, { ...stack, services, streams }) ?? [];
  });
  const key = ({ path, expected }: Problem) => `${path} ${expected}`;
  return [...new Map(found.map((problem) => [key(problem), problem])).values()];
}
