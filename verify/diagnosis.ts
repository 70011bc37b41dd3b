import { ownName, proxyLabels, sharedName } from "../components/shared/naming";
import { isExternal, milliseconds, type Service, type StackConfig, targetName, targetsOf } from "../config";
import { isBackendsOwn } from "../config/schema/backends/tls";
import { allRateLimitsOf, isGlobal } from "../config/schema/limits/rateLimit";
import { type Answer, TIMEOUT_MS } from "./client";
import { selectorOf } from "./cluster/kubectl";
import { isAborted, isDenied, isLimited, isPage } from "./expectations";
import { sampleOf } from "./hosts";
import type { Diagnosis } from "./row";

/**
 * Why a host's backend did not answer a request, as far as a client can tell.
 * @param service Whose path was asked for. Default: the first service of the host.
 */
export function diagnose(
  answer: Answer,
  host: string,
  config: StackConfig,
  service: Service | undefined = config.services.find((candidate) =>
    candidate.hosts.some((one) => sampleOf(one.host) === host),
  ),
): Diagnosis {
  const { gateway, rateLimitService } = config;
  const kind = service?.protocol === "grpc" ? "grpcroute" : "httproute";
  const route =
    service === undefined ? `${kind}s -A` : `${kind} ${sharedName(gateway, service.name)} -n ${service.namespace}`;
  const { status, headers } = answer;
  const body = isPage(answer) ? "" : answer.body;
  const delay = service?.fault?.delay;
  const names = config.namedPorts.length === 0 ? "" : " (pulumi up looks ports by name up again)";
  if (status === 0 && delay !== undefined && milliseconds(delay.duration) >= TIMEOUT_MS) {
    return {
      cause: `fault.delay of the service delays requests by ${delay.duration}, and verify waits ${TIMEOUT_MS / 1000} s`,
      more: `kubectl get envoyfilter ${ownName(gateway, "fault")} -n ${gateway.namespace} -o yaml`,
    };
  }
  if (status === 0) {
    return {
      cause: `the gateway does not answer: its proxies are down, or something in between refuses the connection (${answer.error ?? ""})`,
      more: `kubectl get gateway ${gateway.name} -n ${gateway.namespace}; kubectl get pods -n ${gateway.namespace} -l gateway.networking.k8s.io/gateway-name=${gateway.name}`,
    };
  }
  if (isAborted(answer) || (isPage(answer) && service?.fault?.abort?.status === status)) {
    return {
      cause: "fault.abort of the service answers a share of its requests on purpose",
      more: `kubectl get envoyfilter ${ownName(gateway, "fault")} -n ${gateway.namespace} -o yaml`,
    };
  }
  if (isDenied(answer)) {
    return {
      cause: "an access rule of the gateway refuses this client because of its address or token",
      more: `kubectl get envoyfilter ${ownName(gateway, "access")} -n ${gateway.namespace} -o yaml`,
    };
  }
  const refusing = service?.rules.find(({ deny }) => deny?.status === status);
  if (refusing !== undefined && body === "") {
    return {
      cause: `deny of ${refusing.path} refuses every client`,
      more: `kubectl get envoyfilter ${ownName(gateway, "answers")} -n ${gateway.namespace} -o yaml`,
    };
  }
  if (status === 404 && body === "") {
    return {
      cause: "the gateway has no route for it: its route is missing or not accepted, or Envoy's config is outdated",
      more: `kubectl describe ${route}`,
    };
  }
  const sizes = new Set(service?.rules.flatMap(({ limits }) => limits?.maxRequestSize ?? []));
  if (status === 413 && sizes.size > 0) {
    return {
      cause: `the body is larger than limits.maxRequestSize (${[...sizes].join(" or ")})`,
      more: `kubectl get envoyfilter ${ownName(gateway, "limits")} -n ${gateway.namespace} -o yaml`,
    };
  }
  const rateLimits = allRateLimitsOf(service ?? { rules: [] });
  const isUsedUp =
    headers["x-ratelimit-remaining"] === "0" &&
    rateLimits.some((limit) => limit.status !== undefined && limit.status === status);
  if (isLimited(answer) || isUsedUp) {
    return {
      cause: "a rate limit is used up",
      more: `kubectl get envoyfilter -n ${gateway.namespace} -o yaml`,
    };
  }
  if (status === 500 && body === "") {
    return {
      cause: `the route's backend does not exist: no such Service, no such port${names}, or no ReferenceGrant`,
      more: `kubectl describe ${route}`,
    };
  }
  if (status === 503 && answer.body === "" && rateLimits.some(isGlobal)) {
    return {
      cause: "the rate limit service does not answer, and rateLimitService.failureMode is closed",
      more: `kubectl get deployments,pods -n ${rateLimitService?.namespace ?? gateway.namespace}`,
    };
  }
  if (isUnreachable(answer) && isBackendsOwn(service?.trafficPolicy.tls)) {
    // Envoy tells the reason to its log only.
    return {
      cause: `TLS with the backend fails, or nothing listens there: its certificate is not as trafficPolicy.tls wants, or a Secret or ConfigMap is missing in ${gateway.namespace}`,
      more: `kubectl logs -n ${gateway.namespace} -l ${selectorOf(proxyLabels(gateway))} --tail=-1 | grep -E "TLS_error|SDS"`,
    };
  }
  if (status === 503 && service?.rules.some(({ maintenance }) => maintenance !== undefined) === true) {
    return {
      cause: "maintenance of the service answers its requests on purpose",
      more: `kubectl get envoyfilter ${ownName(gateway, "answers")} -n ${gateway.namespace} -o yaml`,
    };
  }
  if (status === 503) {
    return {
      cause: isPage(answer) ? BEHIND_A_PAGE : unavailable(body, service),
      more: `kubectl get endpointslices -n ${service?.namespace ?? gateway.namespace}`,
    };
  }
  if (status === 504) {
    return {
      cause: "the backend did not answer within the route's timeout",
      more: `kubectl describe ${route}`,
    };
  }
  return { cause: `the backend itself answers ${status}`, more: `kubectl describe ${route}` };
}

function isUnreachable({ status, body }: Pick<Answer, "status" | "body">): boolean {
  return status === 503 && body.includes("upstream connect error") && !body.includes("reset reason: overflow");
}

const BEHIND_A_PAGE =
  "errorPages hides which: the backend has no healthy endpoint, nothing listens there, or a limit of trafficPolicy.connections is reached";

/** The cause behind Envoy's message for a backend that it cannot reach. */
function unavailable(body: string, service: Service | undefined): string {
  const outside = targetsOf(service ?? { rules: [] }).find(isExternal);
  if (outside !== undefined && body.includes("no healthy upstream")) {
    return `DNS does not know ${targetName(outside)}, or every address of it is ejected`;
  }
  if (body.includes("no healthy upstream")) {
    return "the backend has no healthy endpoint: no ready Pod, or every endpoint is ejected";
  }
  if (body.includes("reset reason: overflow")) {
    return "the circuit breaker is open: a limit of the service's trafficPolicy.connections is reached";
  }
  if (outside !== undefined && isUnreachable({ status: 503, body })) {
    return `${targetName(outside)} does not answer, or its certificate is not one that trafficPolicy.tls takes for its name`;
  }
  if (isUnreachable({ status: 503, body })) {
    return "nothing listens at the backend's address: the Pod is down, or the Service's target port is wrong";
  }
  return "the backend itself reports that it is unavailable";
}
