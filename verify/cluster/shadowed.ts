import { partOf } from "../../components/shared/naming";
import { backendsOf, type ServiceTarget, type StackConfig } from "../../config";
import type { ClientTls } from "../../kinds/destinationRule";
import { row, type Row } from "../row";
import type { Target } from "../target";
import { getAllIfKnown } from "./kubectl";

interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** https://istio.io/latest/docs/reference/config/networking/destination-rule/ */
export interface DestinationRule {
  readonly metadata: Metadata;
  readonly spec: {
    readonly host: string;
    readonly trafficPolicy?: Readonly<Record<string, unknown>>;
    readonly subsets?: unknown;
  };
}

/** https://gateway-api.sigs.k8s.io/api-types/backendtlspolicy/ */
export interface BackendTlsPolicy {
  readonly metadata: Metadata;
  readonly spec: {
    readonly targetRefs: readonly { readonly kind: string; readonly name: string }[];
    readonly validation: {
      readonly hostname: string;
      readonly caCertificateRefs?: readonly { readonly kind: string; readonly name: string }[];
    };
  };
}

type Backend = Pick<ServiceTarget, "service" | "namespace">;

/**
 * What others say of the backends whose `trafficPolicy` is ours: of the rules for a host, Istio takes that of the Gateway's
 * namespace, and does not merge it with theirs.
 */
export async function checkShadowed({ config }: Target): Promise<Row[]> {
  const ruled = config.services.filter(({ trafficPolicy }) => Object.keys(trafficPolicy).length > 0);
  const namespaces = [...new Set(ruled.flatMap((service) => backendsOf(service).map(({ namespace }) => namespace)))];
  const found = await Promise.all(
    namespaces.map(async (namespace) => ({
      rules: await getAllIfKnown<DestinationRule>("destinationrules.networking.istio.io", namespace),
      policies: await getAllIfKnown<BackendTlsPolicy>("backendtlspolicies.gateway.networking.k8s.io", namespace),
    })),
  );
  const rules = found.flatMap((one) => one.rules);
  const policies = found.flatMap((one) => one.policies);
  return ruled.flatMap((service) =>
    [...new Map(backendsOf(service).map((backend) => [`${backend.namespace}/${backend.service}`, backend]))].map(
      ([key, backend]) => {
        const [first, ...more] = shadowedBy(backend, service.trafficPolicy, config.gateway, { rules, policies });
        const names = [first, ...more].flatMap((one) => one?.name ?? []).join(", ");
        return row(
          "shadowed",
          `nothing that others say of Service ${key} is lost`,
          first === undefined,
          first === undefined ? "yes" : names,
          {
            cause: `Istio takes the gateway's own DestinationRule for this Service, without ${first?.loses ?? ""}: in trafficPolicy of ${service.name}, write ${first?.write ?? ""}`,
            more: `kubectl get destinationrules,backendtlspolicies -n ${backend.namespace} -o yaml`,
          },
        );
      },
    ),
  );
}

interface Shadowed {
  readonly name: string;
  /** What is lost of it. */
  readonly loses: string;
  /** What to write in its place. */
  readonly write: string;
}

/** Objects for a backend that set what ours does not. */
export function shadowedBy(
  { service, namespace }: Backend,
  trafficPolicy: StackConfig["services"][number]["trafficPolicy"],
  gateway: StackConfig["gateway"],
  { rules, policies }: { rules: readonly DestinationRule[]; policies: readonly BackendTlsPolicy[] },
): Shadowed[] {
  const names = [service, `${service}.${namespace}`, `${service}.${namespace}.svc`];
  const hosts = [...names, `${service}.${namespace}.svc.cluster.local`, `*.${namespace}.svc.cluster.local`];
  const own = partOf(gateway);
  const isOwn = ({ labels = {} }: Metadata) => Object.entries(own).every(([key, value]) => labels[key] === value);
  const carried = new Set(Object.keys(trafficPolicy));
  return [
    ...rules.flatMap(({ metadata, spec }): Shadowed[] => {
      if (metadata.namespace !== namespace || isOwn(metadata) || !hosts.includes(spec.host)) {
        return [];
      }
      const lost = Object.keys(spec.trafficPolicy ?? {}).filter((part) => !carried.has(OUR_KEYS[part] ?? part));
      const write = lost.map((part) => written(part, spec.trafficPolicy?.[part]));
      return lost.length === 0
        ? []
        : [{ name: `DestinationRule ${namespace}/${metadata.name}`, loses: lost.join(", "), write: write.join(", ") }];
    }),
    ...policies.flatMap(({ metadata, spec: { targetRefs, validation } }): Shadowed[] => {
      const isTarget = targetRefs.some(({ kind, name }) => kind === "Service" && name === service);
      if (metadata.namespace !== namespace || !isTarget || carried.has("tls")) {
        return [];
      }
      const [ca] = validation.caCertificateRefs ?? [];
      const from = ca === undefined ? "" : `, ca: { kind: ${ca.kind}, name: ${ca.name} }`;
      const copied = ca === undefined ? "" : ` (with a copy of that ${ca.kind} in ${gateway.namespace})`;
      return [
        {
          name: `BackendTLSPolicy ${namespace}/${metadata.name}`,
          loses: "TLS",
          write: `tls: { mode: SIMPLE, sni: ${validation.hostname}${from} }${copied}`,
        },
      ];
    }),
  ];
}

/** Istio's parts of a traffic policy whose names here differ. */
const OUR_KEYS: Readonly<Record<string, string>> = { connectionPool: "connections", loadBalancer: "loadBalancing" };

function written(part: string, value: unknown): string {
  if (part === "tls") {
    return `tls: ${writtenTls(value as Partial<ClientTls>)}`;
  }
  return part === "portLevelSettings" ? "what it says of single ports, for all of them" : (OUR_KEYS[part] ?? part);
}

function writtenTls({
  mode = "DISABLE",
  sni,
  subjectAltNames,
  credentialName,
  insecureSkipVerify,
}: Partial<ClientTls>) {
  const [, map] = /^configmap:\/\/[^/]+\/(.+)$/.exec(credentialName ?? "") ?? [];
  const ca =
    map === undefined ? `{ kind: Secret, name: ${credentialName ?? ""} }` : `{ kind: ConfigMap, name: ${map} }`;
  const keys = [
    `mode: ${mode}`,
    ...(sni === undefined ? [] : [`sni: ${sni}`]),
    ...(subjectAltNames === undefined ? [] : [`subjectAltNames: [${subjectAltNames.join(", ")}]`]),
    ...(credentialName === undefined ? [] : [mode === "MUTUAL" ? `credentialName: ${credentialName}` : `ca: ${ca}`]),
    ...(insecureSkipVerify === true ? ["insecure: true"] : []),
  ];
  return `{ ${keys.join(", ")} }`;
}
