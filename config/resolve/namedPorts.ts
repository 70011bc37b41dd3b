import { versionService } from "../schema/routing/versions";
import type { IndexedService, ParsedService } from "../schema/service";
import type { Problem } from "../values/problem";
import { forwardedPaths } from "./answers";
import { type Backend, isExternal, type NamedPort, type Port, type ServiceTarget, type StackConfig } from "./model";
import { nearest } from "./nearest";
import { stableBackends } from "./service";

/** A Service of the cluster, as far as it matters to requests. */
export interface KnownService {
  readonly type?: string | null;
  readonly externalName?: string | null;
  readonly ports?:
    readonly { readonly name?: string | null; readonly port: number; readonly protocol?: string | null }[] | null;
}

/** A Service that somebody knows; undefined if nobody does. */
export type FindService = (target: Omit<ServiceTarget, "port">) => KnownService | undefined;

/** A port that the config names. */
export type Named = Omit<NamedPort, "number">;

/** Every port that a service names, once for each Service that it is looked up in. */
export function namedPorts({ index, service }: IndexedService): Named[] {
  const at = `services[${index}]`;
  const own = { at, port: service.port, namespace: service.namespace };
  const all = forwardedPaths(service).flatMap(({ path, pathIndex }) => {
    const here = `${at}.paths[${pathIndex}]`;
    const ofPath = path.port === undefined ? own : { ...own, at: here, port: path.port };
    const list = path.backends === undefined ? `${at}.backends` : `${here}.backends`;
    const backends = (path.backends ?? stableBackends(service)).flatMap(({ service: name, ...backend }, place) =>
      name === undefined ? [] : [target(`${list}[${place}]`, { ...backend, service: name }, ofPath)],
    );
    const mirror = nearest(path.mirror, service.mirror);
    const mirrorAt = path.mirror === undefined ? at : here;
    return [
      ...backends,
      ...(path.backends === undefined ? canaryTargets(at, service, ofPath) : []),
      ...(mirror === undefined ? [] : [target(`${mirrorAt}.mirror`, mirror, ofPath)]),
    ];
  });
  const named = all.flatMap(({ port, ...rest }) => (typeof port === "string" ? [{ ...rest, port }] : []));
  const key = ({ path, namespace, service: name }: Named) => `${path} ${namespace}/${name}`;
  return [...new Map(named.map((port) => [key(port), port])).values()];
}

/** What a backend inherits: a port with the key path that sets it, and a namespace. */
interface Inherited {
  readonly at: string;
  readonly port: Port;
  readonly namespace: string;
}

function canaryTargets(at: string, { name, canary }: ParsedService, inherited: Inherited) {
  return canary === undefined
    ? []
    : [target(`${at}.canary`, { ...canary, service: canary.service ?? versionService(name, "canary") }, inherited)];
}

function target(
  at: string,
  { service, namespace, port }: { service: string; namespace?: string; port?: Port },
  inherited: Inherited,
) {
  return {
    path: `${port === undefined ? inherited.at : at}.port`,
    service,
    namespace: namespace ?? inherited.namespace,
    port: port ?? inherited.port,
  };
}

/** The number of a port in its Service; undefined if the Service has no such port for TCP. */
export function portNumber({ port: wanted }: Named, found: KnownService): number | undefined {
  return isAlias(found) ? undefined : tcpPorts(found).find(({ name }) => name === wanted)?.port;
}

/** Whether a Service is a name outside the cluster: Istio knows no endpoints of it, and answers 500. One for another Service works. */
export function isAlias({ type, externalName }: KnownService): boolean {
  return type === "ExternalName" && !/^[^.]+\.[^.]+\.svc(\.cluster\.local)?$/.test(externalName ?? "");
}

/** What is expected in place of such a Service. */
export const IN_PLACE_OF_ALIAS =
  "a Service with endpoints: an ExternalName outside the cluster has none, and requests get 500. Write { host: HOST, port: 443 } in backends";

/** A Service that has no port of that name. */
export function missingPort({ path, owner, namespace, service, port }: Named, found: KnownService): Problem {
  if (isAlias(found)) {
    return { path, service: owner, value: port, expected: IN_PLACE_OF_ALIAS };
  }
  const ports = tcpPorts(found).map(({ name, port: number }) => (name ? `${name} (${number})` : String(number)));
  const has = ports.length === 0 ? "it lists none, so write the number" : ports.join(", ");
  return { path, service: owner, value: port, expected: `a port of the Service ${namespace}/${service}: ${has}` };
}

/** A Service that nobody can be asked for. */
export function unknownPort({ path, owner, namespace, service, port }: Named): Problem {
  const expected = `the number of a port, or the Service ${namespace}/${service} in a file of kubernetes.services: no cluster is asked for it`;
  return { path, service: owner, value: port, expected };
}

function tcpPorts({ ports }: KnownService) {
  return (ports ?? []).filter(({ protocol }) => (protocol ?? "TCP") === "TCP");
}

/** Everything of a stack that requests and connections go to. */
export type Targets<P extends Port = Port> = Pick<StackConfig<P>, "services" | "streams">;

/** The same with the number of each port. @throws Error if a name has none. */
export function withNumbers(targets: Targets, ports: readonly NamedPort[]): Targets<number> {
  const numbers = numbersOf(ports);
  return withPorts(targets, (named) => {
    const number = numbers.get(keyOf(named));
    if (number === undefined) {
      throw new Error(`nobody has looked up the port ${keyOf(named)}`);
    }
    return number;
  });
}

/** The same, but a name that has no number stays. */
export function withKnownNumbers(targets: Targets, ports: readonly NamedPort[]): Targets {
  const numbers = numbersOf(ports);
  return withPorts(targets, (named) => numbers.get(keyOf(named)) ?? named.port);
}

function withPorts<P extends Port>(
  { services, streams }: Targets,
  portOf: (named: ServiceTarget<string>) => P,
): Targets<P | number> {
  const looked = <T extends ServiceTarget>(target: T) => {
    const { port } = target;
    return { ...target, port: typeof port === "number" ? port : portOf({ ...target, port }) };
  };
  const lookedUp = (backend: Backend) => (isExternal(backend) ? backend : looked(backend));
  return {
    services: services.map((service) => ({
      ...service,
      rules: service.rules.map((rule) => ({
        ...rule,
        backends: rule.backends.map(lookedUp),
        mirror: rule.mirror && looked(rule.mirror),
      })),
    })),
    streams: streams.map((stream) => ({ ...stream, backends: stream.backends.map(lookedUp) })),
  };
}

function numbersOf(ports: readonly NamedPort[]): ReadonlyMap<string, number | undefined> {
  return new Map(ports.map((port) => [keyOf(port), port.number]));
}

function keyOf({ namespace, service, port }: ServiceTarget<string>): string {
  return `${namespace}/${service}:${port}`;
}
