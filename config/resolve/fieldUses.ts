import type { GatewayApi } from "../schema/cluster/gatewayApi";
import type { IndexedService } from "../schema/service";
import type { ParsedStack } from "../schema/stack";
import type { Problem } from "../values/problem";
import { pathSettings } from "./pathSettings";
import { isStream } from "./protocols";

interface Field extends Record<GatewayApi["channel"], number> {
  readonly name: string;
  /** What the API server does without it. Default: it silently drops it. */
  readonly refused?: true;
}

/** Fields that not every release has, and the first minor version of the Gateway API that has them, per channel. */
const FIELDS = {
  retry: { name: "HTTPRoute's retry", experimental: 2, standard: Infinity },
  cors: { name: "HTTPRoute's cors", experimental: 3, standard: 5 },
  // Without it, a running listener stays open to every client.
  clientCertificates: { name: "Gateway's tls.frontend", experimental: 5, standard: 5 },
  listenerSets: { name: "Gateway's allowedListeners", experimental: 5, standard: 5 },
  redirectCodes: { name: "HTTPRoute's redirects by 303, 307 and 308", experimental: 5, standard: 5, refused: true },
  tlsRoutes: { name: "TLSRoute, version v1", experimental: 5, standard: 5, refused: true },
  tcpRoutes: { name: "TCPRoute", experimental: 4, standard: 6, refused: true },
} as const satisfies Record<string, Field>;

/** A place in the config that becomes a field or a value that not every cluster has. */
export interface FieldUse {
  readonly path: string;
  /** Name of the service whose key that is; undefined for keys of the stack. */
  readonly owner?: string;
  readonly value: unknown;
  readonly field: keyof typeof FIELDS;
}

/** The parts of a stack that contain such places. */
interface UsingStack extends Partial<Pick<ParsedStack, "gateway">>, Pick<ParsedStack, "defaults"> {
  readonly services: readonly IndexedService[];
}

/** Every such place, once. */
export function fieldUses({ gateway, services, defaults }: UsingStack): FieldUse[] {
  const value = gateway?.tls.clientCertificates;
  const clients: FieldUse[] =
    value === undefined ? [] : [{ path: "gateway.tls.clientCertificates", value, field: "clientCertificates" }];
  const listeners: FieldUse[] =
    gateway?.allowedListeners === undefined
      ? []
      : [{ path: "gateway.allowedListeners", value: gateway.allowedListeners, field: "listenerSets" }];
  const streams = services
    .filter(({ service }) => isStream(service))
    .map(({ index, service: { protocol: value } }): FieldUse => ({
      path: `services[${index}].protocol`,
      value,
      field: value === "tcp" ? "tcpRoutes" : "tlsRoutes",
    }));
  const uses = services
    .filter(({ service }) => !isStream(service))
    .flatMap((service) => pathSettings(service, defaults))
    .flatMap(({ retry, cors, redirect }): FieldUse[] => [
      ...(redirect === undefined || redirect.value.status < 303
        ? []
        : [{ path: `${redirect.at}.status`, value: redirect.value.status, field: "redirectCodes" as const }]),
      // Turning retries off does not need the route's field.
      ...(retry === undefined || retry.value === false
        ? []
        : [{ path: retry.at, value: retry.value, field: "retry" as const }]),
      ...(cors === undefined ? [] : [{ path: cors.at, value: cors.value, field: "cors" as const }]),
    ]);
  const statusCode = gateway?.httpsRedirect.statusCode;
  const redirects: FieldUse[] =
    statusCode === 307 || statusCode === 308
      ? [{ path: "gateway.httpsRedirect.statusCode", value: statusCode, field: "redirectCodes" }]
      : [];
  return [
    ...clients,
    ...listeners,
    ...redirects,
    ...streams,
    ...uses.filter(({ path }, index) => uses.findIndex((use) => use.path === path) === index),
  ];
}

/** The uses that a cluster with these CRDs would drop. */
export function prunedFields(uses: readonly FieldUse[], { channel, version }: GatewayApi): Problem[] {
  const [major = 0, minor = 0] = version
    .slice(1)
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  const has = (field: FieldUse["field"]) => major > 1 || (major === 1 && minor >= FIELDS[field][channel]);
  return uses
    .filter(({ field }) => !has(field))
    .map(({ path, owner, value, field }) => ({
      path,
      service: owner,
      value,
      expected: `CRDs of the Gateway API with ${FIELDS[field].name}: ${needs(field)}; those of the cluster are ${channel} ${version} and would ${"refused" in FIELDS[field] ? "refuse" : "silently drop"} it`,
    }));
}

function needs(field: FieldUse["field"]): string {
  const { experimental, standard } = FIELDS[field];
  const first = `the experimental channel from v1.${experimental}`;
  return standard === Infinity ? first : `${first}, the standard one from v1.${standard}`;
}
