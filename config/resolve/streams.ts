import type { ParsedService } from "../schema/service";
import type { ParsedStack } from "../schema/stack";
import { certificatesOf, type StackCertificate } from "./certificates";
import { type Domain, domainsOf } from "./domains";
import { hostsOf } from "./hosts";
import { listenerName, nameOnPort } from "./listeners";
import { isStream, listenPortOf } from "./protocols";
import type { Stream, StreamListener, StreamProtocol } from "./model";
import { resolveBackend, resolveExternalDns } from "./service";

/** The streams of a stack, and the certificates that end their TLS. */
export function resolveStreams(parsed: ParsedStack): { streams: Stream[]; certificates: StackCertificate[] } {
  const domains = domainsOf(parsed);
  const services = parsed.services.filter(isStream);
  return {
    streams: services.map((service) => ({
      name: service.name,
      protocol: service.protocol as StreamProtocol,
      namespace: service.namespace,
      listenPort: listenPortOf(service),
      listeners: listenersOf(service, parsed, domains),
      backends: (service.backends ?? [{ service: service.name, weight: 1 }]).map((backend) =>
        resolveBackend(service, undefined, backend),
      ),
      access: service.access ?? parsed.defaults.access,
      externalDns: resolveExternalDns(service, parsed.gateway),
      maxConnections: service.limits?.maxConnections,
    })),
    certificates: services
      .filter(({ protocol }) => protocol === "tls-terminate")
      .flatMap((service) =>
        hostsOf(service, domains).flatMap(({ host }) => certificatesOf(host, service, parsed, domains)),
      ),
  };
}

function listenersOf(service: ParsedService, parsed: ParsedStack, domains: readonly Domain[]): StreamListener[] {
  const port = listenPortOf(service);
  if (service.protocol === "tcp") {
    return [{ name: `tcp-${port}`, hostname: undefined, secretNames: [] }];
  }
  return hostsOf(service, domains).map(({ host }) => ({
    name: nameOnPort(listenerName(host), port),
    hostname: host,
    secretNames:
      service.protocol === "tls-terminate"
        ? certificatesOf(host, service, parsed, domains).map(({ config }) => config.secretName)
        : [],
  }));
}
