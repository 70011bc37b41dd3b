import { ownName } from "../components/shared/naming";
import type { StackConfig } from "../config";
import { globalLimitsOf } from "../config/schema/limits/rateLimit";
import type { Answer } from "./client";
import type { Diagnosis } from "./row";

/** Why a request to a host of the gateway was not answered by its backend, as far as a client can tell. */
export function diagnose(answer: Answer, host: string, config: StackConfig): Diagnosis {
  const { gateway, services, rateLimitService } = config;
  const service = services.find((candidate) => candidate.host === host);
  const kind = service?.protocol === "grpc" ? "grpcroute" : "httproute";
  const route = service === undefined ? `${kind}s -A` : `${kind} ${service.name} -n ${service.namespace}`;
  const { status, body } = answer;
  if (status === 0) {
    return {
      cause: `nothing answers for the gateway: its proxies are down, or something between refuses the connection (${answer.error ?? ""})`,
      more: `kubectl get gateway ${gateway.name} -n ${gateway.namespace}; kubectl get pods -n ${gateway.namespace} -l gateway.networking.k8s.io/gateway-name=${gateway.name}`,
    };
  }
  if (status === 403 && body.startsWith("RBAC: ")) {
    return {
      cause: "an access rule of the gateway refuses this client: its address, or its token",
      more: `kubectl get authorizationpolicy -n ${gateway.namespace} -o yaml`,
    };
  }
  if (status === 404 && body === "") {
    return {
      cause: "the gateway has no route for it: its route is missing or refused, or Envoy's config is behind",
      more: `kubectl describe ${route}`,
    };
  }
  if (status === 413 && service?.limits?.maxRequestSize !== undefined) {
    return {
      cause: `the body is larger than limits.maxRequestSize (${service.limits.maxRequestSize})`,
      more: `kubectl get envoyfilter ${ownName(gateway, "limits")} -n ${gateway.namespace} -o yaml`,
    };
  }
  if (status === 429) {
    return {
      cause: "a rate limit is used up",
      more: `kubectl get envoyfilter -n ${gateway.namespace} -o yaml`,
    };
  }
  if (status === 500 && body === "") {
    return {
      cause: "the route's backend does not exist: no such Service, no such port, or no ReferenceGrant",
      more: `kubectl describe ${route}`,
    };
  }
  if (status === 503 && body === "" && service !== undefined && globalLimitsOf(service).length > 0) {
    return {
      cause: "the rate limit service does not answer, and rateLimitService.failureMode is closed",
      more: `kubectl get deployments,pods -n ${rateLimitService?.namespace ?? gateway.namespace}`,
    };
  }
  if (status === 503) {
    return {
      cause: unavailable(body),
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

/** Envoy's words for a backend that it cannot reach. */
function unavailable(body: string): string {
  if (body.includes("no healthy upstream")) {
    return "the backend has no healthy endpoint: no ready Pod, or every endpoint is ejected";
  }
  if (body.includes("reset reason: overflow")) {
    return "the circuit breaker is open: trafficPolicy.connections of the service is used up";
  }
  if (/upstream connect error/.test(body)) {
    return "nothing listens where the backend should: the Pod is down, or the Service's target port is wrong";
  }
  return "the backend says that it is unavailable";
}
