import type { Access } from "../schema/access/access";
import type { Limits } from "../schema/limits/limits";
import type { ParsedPath } from "../schema/routing/path";
import type { CertificateConfig } from "./certificate";
import type { FieldUse } from "./fieldUses";

import type { GatewayConfig } from "../schema/entry/gateway";
import type { Cors } from "../schema/routing/cors";
import type { HeaderChanges, Rewrite } from "../schema/routing/filters";

import type { MtlsConfig } from "../schema/backends/mtls";
import type { TrafficPolicy } from "../schema/backends/trafficPolicy";
import type { KubernetesConfig } from "../schema/cluster/kubernetes";
import type { Hsts } from "../schema/entry/hsts";
import type { RateLimits } from "../schema/limits/rateLimit";
import type { RateLimitServiceConfig } from "../schema/limits/rateLimitService";
import type { Match } from "../schema/routing/match";
import type { Retry } from "../schema/routing/retry";
import type { VersionName } from "../schema/routing/versions";
import type { ParsedService } from "../schema/service";
import type { ServiceTelemetry, TelemetryConfig } from "../schema/telemetry/telemetry";

/** Where a rule sends requests: a port of a Service. */
export interface Backend {
  readonly service: string;
  readonly namespace: string;
  readonly port: number;
  /** Share of requests, in proportion to the sum of the rule's weights. */
  readonly weight: number;
}

/** A version of a service whose Service the program makes, in the service's namespace. */
export interface Version {
  readonly version: VersionName;
  readonly service: string;
  /** Labels of its pods. */
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly port: number; readonly targetPort: number }[];
}

/** One path of a service. */
export interface Rule {
  /** `SERVICE--RULE`: Istio uses it verbatim as Envoy's route name, so it is unique across the gateway. */
  readonly name: string;
  readonly path: string;
  readonly type: ParsedPath["type"];
  readonly match?: Match;
  readonly backends: readonly Backend[];
  /** None for gRPC, whose clients send a deadline. */
  readonly timeouts: { readonly request: string; readonly backendRequest?: string };
  /** Undefined: Istio's own. */
  readonly retry?: Retry;
  readonly cors?: Cors;
  readonly requestHeaders?: HeaderChanges;
  readonly responseHeaders?: HeaderChanges;
  readonly rewrite?: Rewrite;
  /** Gets a copy of a share of requests. */
  readonly mirror?: Omit<Backend, "weight"> & { readonly percent: number };
}

/** A service with every default filled in. */
export interface Service {
  readonly name: string;
  readonly host: string;
  readonly namespace: string;
  readonly protocol: ParsedService["protocol"];
  /** In the order in which Envoy tries them. */
  readonly rules: readonly Rule[];
  /** Who may enter; undefined where nobody said: everyone. */
  readonly access?: Access;
  /** The Service of its second version, where it has one. */
  readonly canary?: Pick<Backend, "service" | "namespace">;
  /** Empty where no Service is made. */
  readonly versions: readonly Version[];
  readonly limits?: Limits;
  readonly rateLimit?: RateLimits;
  readonly hsts?: Hsts;
  /** What it sets of the stack's telemetry for itself. */
  readonly telemetry: ServiceTelemetry;
  /** How the gateway treats its backends. */
  readonly trafficPolicy: TrafficPolicy;
}

/** A stack's config, checked, with every default filled in. */
export interface StackConfig {
  readonly domain: string;
  readonly gateway: GatewayConfig;
  readonly certificate: CertificateConfig;
  readonly services: readonly Service[];
  /** Refuse hosts that no service names. */
  readonly denyByDefault: boolean;
  readonly mtls?: MtlsConfig;
  /** Only where a service has a global rate limit. */
  readonly rateLimitService?: RateLimitServiceConfig & { readonly namespace: string };
  readonly telemetry: TelemetryConfig;
  readonly kubernetes: KubernetesConfig;
  /** What the cluster's CRDs must have; none where YAML is rendered, for it is checked already. */
  readonly fieldUses: readonly FieldUse[];
  readonly protect: boolean;
  /** Take over what others wrote. */
  readonly adopt: boolean;
}

/** Every port of a Service to which a service's requests may go, copies included. */
export function backendsOf(service: Pick<Service, "rules">): Omit<Backend, "weight">[] {
  return service.rules.flatMap(({ backends, mirror }) =>
    mirror === undefined ? [...backends] : [...backends, mirror],
  );
}
