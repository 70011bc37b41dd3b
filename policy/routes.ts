import { HTTP_PORT } from "../config/resolve/protocols";
import { nameOnPort } from "../config/resolve/listeners";
import { HTTP_LISTENER } from "../components/shared/naming";
import { isKind, objectName, type Resource, type ResourcePolicy, type StackPolicy } from "./policy";
import { isProduction, PRODUCTION_SETTINGS, type ProductionConfig } from "./production";

export const GATEWAY_API = "gateway.networking.k8s.io";

interface ParentRef {
  kind?: string;
  sectionName?: string;
  port?: number;
}

export interface RouteRule {
  name?: string;
  backendRefs?: unknown[];
  filters?: { type: string; requestRedirect?: { scheme?: string } }[];
  timeouts?: { request?: string };
}

export interface RouteSpec {
  parentRefs?: ParentRef[];
  rules?: RouteRule[];
}

export function specOf({ props }: Resource): RouteSpec {
  return (props as { spec?: RouteSpec }).spec ?? {};
}

/** A parentRef that names neither listener nor port attaches to all of them. */
function isPlaintext({ kind = "Gateway", sectionName, port }: ParentRef): boolean {
  const isOther = sectionName === undefined ? port !== undefined && port !== HTTP_PORT : sectionName !== HTTP_LISTENER;
  return kind === "Gateway" && (!isOther || port === HTTP_PORT);
}

/** A listener of a service that asks for it with `plainHttp`. */
function isPlainByConfig({ kind = "Gateway", sectionName = "" }: ParentRef): boolean {
  return kind === "Gateway" && sectionName.endsWith(nameOnPort("", HTTP_PORT));
}

/** A rule without backends and filters refuses: with 404 or, on Istio 1.31, with 500. */
function redirectsOrRefuses({ backendRefs = [], filters = [] }: RouteRule): boolean {
  return (
    backendRefs.length === 0 &&
    (filters.length === 0 ||
      filters.some(({ type, requestRedirect }) => type === "RequestRedirect" && requestRedirect?.scheme === "https"))
  );
}

export const noPlaintextRoute: ResourcePolicy<ProductionConfig> = {
  name: "no-plaintext-route",
  description: "Routes on the http listener only redirect to https; in production, no service has plainHttp.",
  level: "mandatory",
  settings: PRODUCTION_SETTINGS,
  check: (resource, config) => {
    if (!isKind(resource, GATEWAY_API, "HTTPRoute", "GRPCRoute", "TCPRoute")) {
      return [];
    }
    const { parentRefs = [], rules = [] } = specOf(resource);
    const served = rules.length === 0 || !rules.every(redirectsOrRefuses);
    if (served && parentRefs.some(isPlaintext)) {
      return [
        `${objectName(resource)} answers plain HTTP: bind it to the sectionName of an https listener, or let it only redirect.`,
      ];
    }
    return served && isProduction(resource, config) && parentRefs.some(isPlainByConfig)
      ? [`${objectName(resource)} answers plain HTTP in production: remove plainHttp of the service.`]
      : [];
  },
};

interface Exceptions {
  exceptions: string[];
}

export const serviceTimeout: StackPolicy<Exceptions> = {
  name: "service-timeout",
  description: "Every rule limits a request's time, or its silence; gRPC relies on client deadlines.",
  level: "mandatory",
  settings: {
    exceptions: {
      type: "array",
      items: { type: "string" },
      description: "Routes, as NAMESPACE/NAME, that may wait forever.",
      default: [],
    },
  },
  checkStack: (resources, { exceptions }) => {
    const limit = silenceLimit(resources);
    return resources
      .filter((resource) => isKind(resource, GATEWAY_API, "HTTPRoute") && !exceptions.includes(objectName(resource)))
      .flatMap((resource) =>
        (specOf(resource).rules ?? [])
          .filter(({ backendRefs = [], timeouts }) => backendRefs.length > 0 && isNone(timeouts?.request))
          .filter(({ name = "" }) => isNone(limit(name)))
          .map(({ name = "a rule" }) => ({
            urn: resource.urn,
            message: `${objectName(resource)}: ${name} has no timeout and no streamIdleTimeout, so a request can wait forever.`,
          })),
      );
  },
};

interface PatchProps {
  spec?: {
    configPatches?: {
      match?: { routeConfiguration?: { vhost?: { route?: { name?: string } } } };
      patch?: {
        value?: { typed_config?: { stream_idle_timeout?: string }; route?: { idle_timeout?: string } };
      };
    }[];
  };
}

/** How long a request of a rule may be silent: what its own patch says, or else that of the listeners. */
function silenceLimit(resources: readonly Resource[]): (rule: string) => string | undefined {
  const patches = resources
    .filter((resource) => isKind(resource, "networking.istio.io", "EnvoyFilter"))
    .flatMap(({ props }) => (props as PatchProps).spec?.configPatches ?? []);
  const listeners = patches.flatMap(({ patch }) => patch?.value?.typed_config?.stream_idle_timeout ?? []);
  const rules = new Map(
    patches.flatMap(({ match, patch }) => {
      const [name, limit] = [match?.routeConfiguration?.vhost?.route?.name, patch?.value?.route?.idle_timeout];
      return name === undefined || limit === undefined ? [] : [[name, limit] as const];
    }),
  );
  return (rule) => rules.get(rule) ?? listeners[0];
}

/** Zero, in any unit, turns a timeout off. */
function isNone(duration: string | undefined): boolean {
  return duration === undefined || !/[1-9]/.test(duration);
}
