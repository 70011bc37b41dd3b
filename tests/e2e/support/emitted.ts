import { backendsOf, type Service, type StackConfig } from "../../../config";
import { list, service as serviceManifests, tlsSecret } from "../../../lab/manifests";
import type { TestCertificate } from "../../support/certificates";
import type { Registered } from "../../support/deployment";
import { theLab } from "./lab";

/** An object for kubectl. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: unknown;
}

/** Kinds for which the lab has no CRDs: promtool checks rules, vmagent scrapes, and `npm run test:acme` certificates. */
const ELSEWHERE = /^(monitoring\.coreos\.com|operator\.victoriametrics\.com|cert-manager\.io)\//;

/** A config's objects as the cluster would get them, preceded by the namespaces that they need. */
export function manifestsOf(config: StackConfig, resources: readonly Registered[], own: TestCertificate): Manifest[] {
  const { gateway, certificates, services } = config;
  const emitted = resources
    .filter(({ type }) => type.startsWith("kubernetes:"))
    .map(({ inputs }) => ({ ...inputs }) as unknown as Manifest)
    .filter(({ apiVersion }) => !ELSEWHERE.test(apiVersion))
    .map((manifest) => (manifest.kind === "TCPRoute" ? { ...manifest, apiVersion: tcpRouteApi() } : manifest));
  const isLabelled = (name: string) =>
    emitted.some(({ kind, metadata }) => kind === "Namespace" && metadata.name === name);
  const namespaces = new Set([
    gateway.namespace,
    ...emitted.flatMap(({ metadata: { namespace } }) => namespace ?? []),
    ...services.flatMap((entry) => backendsOf(entry).map(({ namespace }) => namespace)),
  ]);
  const secrets = certificates.map(
    ({ config: { secretName } }) =>
      tlsSecret(secretName, gateway.namespace, own.certificatePem, own.privateKeyPem) as unknown as Manifest,
  );
  return [
    ...[...namespaces]
      .filter((name) => !isLabelled(name))
      .map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
    // Keys and certificates are created by Pulumi's providers, or not by the program at all.
    ...[...emitted.filter(({ kind }) => kind === "Namespace"), ...secrets],
    ...emitted.filter(
      ({ kind, metadata }) => kind !== "Namespace" && (kind !== "Secret" || metadata.name.endsWith("-cacert")),
    ),
  ];
}

/** Newer CRDs than those of Istio 1.30 have TCPRoute in version v1. */
function tcpRouteApi(): string {
  return `gateway.networking.k8s.io/${theLab().tools.istio === "1.30" ? "v1alpha2" : "v1"}`;
}

/** The Services of a config's backends that it does not create itself. They have no endpoints. */
export function backendServices(services: readonly Service<number>[]): Manifest[] {
  const made = new Set(
    services.flatMap(({ namespace, versions }) => versions.map(({ service }) => `${namespace}/${service}`)),
  );
  const ports = new Map<string, Set<number>>();
  for (const { namespace, service, port } of services.flatMap(backendsOf)) {
    const key = `${namespace}/${service}`;
    if (!made.has(key)) {
      ports.set(key, (ports.get(key) ?? new Set()).add(port));
    }
  }
  return [...ports].flatMap(([key, numbers]) => {
    const [namespace = "", name = ""] = key.split("/");
    const named = [...numbers].map((port) => ({ name: `http-${port}`, port }));
    return serviceManifests(name, namespace, [], named).slice(0, 1) as unknown as Manifest[];
  });
}

export function apply(manifests: readonly Manifest[], ...more: readonly string[]): Promise<string> {
  const command = ["apply", "--server-side", "--force-conflicts", "--field-manager=fuzz", ...more, "-f", "-"];
  return theLab().kubectl(command, listOf(manifests));
}

/** Deletes objects without waiting. */
export async function remove(manifests: readonly Manifest[]): Promise<void> {
  if (manifests.length > 0) {
    await theLab().kubectl(["delete", "--ignore-not-found", "--wait=false", "-f", "-"], listOf(manifests));
  }
}

export function nameOf({ apiVersion, kind, metadata }: Manifest): string {
  return `${apiVersion}/${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
}

function listOf(manifests: readonly Manifest[]): string {
  return list(manifests.map((manifest) => ({ ...manifest })));
}
