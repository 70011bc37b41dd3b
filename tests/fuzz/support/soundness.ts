import { type GatewayRef, partOf } from "../../../components/shared/naming";
import type { StackConfig } from "../../../config";
import type { ConfigPatch } from "../../../kinds/envoyFilter";
import { actsOn } from "../../../policy/envoyFilter";
import { schemaErrors } from "../../support/schemas";
import type { Emitted } from "./emission";
import { SECRETS } from "./material";

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Ref {
  readonly name: string;
  readonly namespace?: string;
}

interface Route {
  readonly hostnames: string[];
  readonly parentRefs: { readonly sectionName: string }[];
  readonly rules: {
    readonly name: string;
    readonly matches?: object[];
    readonly backendRefs?: Ref[];
    readonly filters?: { readonly requestMirror?: { readonly backendRef: Ref } }[];
  }[];
}

const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const OBJECT_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const SERVICE_NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What is wrong with a config's objects, one line each. */
export function unsound(config: StackConfig, resources: readonly Emitted[]): string[] {
  const objects = resources
    .filter(({ type }) => type.startsWith("kubernetes:"))
    .map((resource) => {
      const [, group = "", kind = ""] = resource.type.split(":");
      return { ...resource, group, kind, metadata: resource.inputs.metadata as Metadata, spec: resource.inputs.spec };
    });
  const routes = objects.filter(({ kind }) => kind === "HTTPRoute" || kind === "GRPCRoute");
  const specOf = ({ spec }: { spec: unknown }) => spec as Route;
  return [
    // There are no CRDs for VictoriaMetrics' kinds here; their specs are the same as those of Prometheus' kinds.
    ...schemaErrors(
      "experimental",
      resources.filter(({ type }) => !type.includes("victoriametrics")),
    ),
    ...doubles(resources.map(({ urn }) => urn)).map((urn) => `two resources ${urn}`),
    ...doubles(resources.flatMap(objectName)).map((name) => `two objects ${name}`),
    ...objects.flatMap(({ kind, metadata }) => metadataFlaws(kind, metadata, config.gateway)),
    ...doubles(routes.flatMap((route) => specOf(route).rules.map(({ name }) => name))).map(
      (name) => `two rules ${name}`,
    ),
    ...doubles(
      routes.flatMap((route) =>
        specOf(route).rules.flatMap(({ matches = [] }) =>
          matches.map((match) => `${specOf(route).hostnames.join()} ${canonical(match)}`),
        ),
      ),
    ).map((match) => `two rules for ${match}`),
    ...routes.flatMap(({ kind, metadata, spec }) =>
      refs(spec as Route).flatMap((ref) => ungranted(kind, metadata, ref)),
    ),
    ...patchFlaws(),
    ...objects
      .filter(({ kind }) => kind !== "Secret")
      .flatMap(({ urn, inputs }) => leaks(JSON.stringify(inputs)).map((what) => `${urn} tells ${what}`)),
  ];

  function ungranted(kind: string, { namespace, name }: Metadata, ref: Ref): string[] {
    const grants = objects.filter(({ kind: other }) => other === "ReferenceGrant");
    const granted = grants.some(({ metadata, spec }) => {
      const { from, to } = spec as { from: { kind: string; namespace: string }[]; to: Ref[] };
      return (
        metadata.namespace === ref.namespace &&
        from.some((source) => source.kind === kind && source.namespace === namespace) &&
        to.some((target) => target.name === ref.name)
      );
    });
    return ref.namespace === undefined || granted ? [] : [`no grant for ${name} to ${ref.namespace}/${ref.name}`];
  }

  function patchFlaws(): string[] {
    const named = objects.filter(({ kind }) => ["HTTPRoute", "GRPCRoute", "TLSRoute"].includes(kind)).map(specOf);
    const served = named.flatMap(({ hostnames, parentRefs }) =>
      parentRefs.flatMap(({ sectionName }) => hostnames.map((host) => ({ host, port: portOf(sectionName) }))),
    );
    const wildcards = ["*", ...served.map(({ host }) => host).filter((host) => host.startsWith("*"))];
    const known = new Set([
      // Requests to no path of a host.
      "-",
      ...named.flatMap(({ rules }) => rules.map(({ name }) => name)),
      ...served.flatMap(({ host, port }) => {
        const authority = port === 443 ? host : `${host}:${port}`;
        const where = ["-", ...wildcards.map((wildcard) => `${wildcard}:${port}`)];
        return [`${host}:${port}`, ...where.map((one) => `${one}_${authority}:443`)];
      }),
    ]);
    return objects
      .filter(({ kind }) => kind === "EnvoyFilter")
      .flatMap(({ metadata, spec }) =>
        (spec as { configPatches: ConfigPatch[] }).configPatches
          .flatMap((patch) => [...routePatched(patch), ...actsOn(patch).map(([key]) => key)])
          .filter((place) => !known.has(place))
          .map((place) => `${metadata.name} patches ${place}, which is not there`),
      );
  }
}

/** Port of a listener, by its name. */
function portOf(listener: string): number {
  return listener === "http" ? 80 : Number(/---(\d{1,5})$/.exec(listener)?.[1] ?? 443);
}

/** The rule whose route a patch changes, if it changes one. */
function routePatched({ match }: ConfigPatch): string[] {
  const { route } = match.routeConfiguration?.vhost ?? {};
  return route === undefined ? [] : [route.name];
}

/** GROUP/KIND NAMESPACE/NAME of a resource that is an object in the cluster. */
function objectName({ type, inputs }: Emitted): string[] {
  const [provider, group = "", kind = ""] = type.split(":");
  const { namespace = "", name } = (inputs.metadata ?? {}) as Metadata;
  return provider === "kubernetes" ? [`${group}/${kind} ${namespace}/${name}`] : [];
}

/**
 * Objects that are another resource of Pulumi's in another config: a change from one to the other would create what is there, and
 * then delete it.
 * @param urns By object, as in the configs so far.
 */
export function renamed(urns: Map<string, string>, resources: readonly Emitted[]): string[] {
  return resources.flatMap((resource) =>
    objectName(resource).flatMap((object) => {
      const known = urns.get(object) ?? resource.urn;
      urns.set(object, known);
      return known === resource.urn ? [] : [`${object} is ${known} and ${resource.urn}`];
    }),
  );
}

/** Secrets that a text contains. */
export function leaks(text: string): string[] {
  const found = Object.entries(SECRETS).filter(([, secret]) => text.includes(secret));
  return [...found.map(([name]) => name), ...(text.includes("PRIVATE KEY") ? ["a private key"] : [])];
}

function metadataFlaws(kind: string, { name, labels = {} }: Metadata, gateway: GatewayRef): string[] {
  const flaws = Object.entries(labels)
    .filter(([key, value]) => !LABEL_KEY.test(key) || !LABEL_VALUE.test(value))
    .map(([key, value]) => `${kind} ${name}: label ${key}=${value}`);
  const isPart = Object.entries(partOf(gateway)).every(([label, value]) => labels[label] === value);
  const isNamed = (kind === "Service" ? SERVICE_NAME : OBJECT_NAME).test(name);
  return [
    ...flaws,
    ...(isPart ? [] : [`${kind} ${name} is no part of ${gateway.namespace}/${gateway.name}`]),
    ...(isNamed ? [] : [`${kind} is called ${name}`]),
  ];
}

function refs({ rules }: Route): Ref[] {
  return rules.flatMap(({ backendRefs = [], filters = [] }) => [
    ...backendRefs,
    ...filters.flatMap(({ requestMirror }) => (requestMirror === undefined ? [] : [requestMirror.backendRef])),
  ]);
}

function doubles(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** A match as text, independent of the order of its conditions. */
function canonical(match: object): string {
  const sort = (value: unknown): unknown =>
    Array.isArray(value) ? value.map((entry) => JSON.stringify(entry)).sort() : value;
  return JSON.stringify(
    Object.entries(match)
      .map(([key, value]) => [key, sort(value)])
      .sort(),
  );
}
