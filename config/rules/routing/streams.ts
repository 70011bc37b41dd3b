import { ANY_HOST, type Domain } from "../../resolve/domains";
import { hostsOf } from "../../resolve/hosts";
import { HTTP_PORT, HTTPS_PORT, listenPortOf } from "../../resolve/protocols";
import { tellsClients } from "../../schema/entry/clientAddress";
import type { IndexedService, ParsedService } from "../../schema/service";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";
import { uncovered } from "./hosts";

/** Keys that say something about requests. */
const OF_REQUESTS = [
  "canary",
  "timeouts",
  "retry",
  "cors",
  "compression",
  "sessionPersistence",
  "requestHeaders",
  "responseHeaders",
  "rewrite",
  "mirror",
  "redirect",
  "respond",
  "deny",
  "maintenance",
  "rateLimit",
  "fault",
  "errorPages",
  "hsts",
  "trafficPolicy",
  "clientCertificates",
  "plainHttp",
] as const satisfies (keyof ParsedService)[];

const ACCESS_OF_REQUESTS = ["jwt", "externalAuthorization", "clientCertificate"] as const;

/** What a service of connections cannot have, and one of requests neither. */
export function streamProblems(stack: CheckedStack): Problem[] {
  const { services, streams, domainList } = stack;
  return [
    ...services.flatMap(ofRequests),
    ...(domainList === undefined ? [] : streams.flatMap((stream) => ofStream(stream, domainList, stack))),
  ];
}

function ofRequests({ index, service }: IndexedService): Problem[] {
  const at = `services[${index}]`;
  const { limits, protocol } = service;
  return [
    ...(limits?.maxConnections === undefined
      ? []
      : [
          {
            path: `${at}.limits.maxConnections`,
            value: limits.maxConnections,
            expected: `not allowed with ${protocol}, whose connections carry requests of several services: rateLimit, or gateway.hardening.maxConnections`,
          },
        ]),
  ];
}

function ofStream({ index, service }: IndexedService, domains: readonly Domain[], stack: CheckedStack): Problem[] {
  const at = `services[${index}]`;
  const { protocol, limits } = service;
  const access = service.access ?? stack.defaults.access;
  const because = `not allowed with ${protocol}: the gateway reads no requests there`;
  const [first] = service.paths;
  const hasPaths =
    service.paths.length > 1 ||
    first?.path !== "/" ||
    Object.keys(first).some((key) => key !== "path" && key !== "type");
  return [
    ...(hasPaths ? [{ path: `${at}.paths`, value: service.paths, expected: because }] : []),
    ...OF_REQUESTS.filter((key) => service[key] !== undefined).map((key) => ({
      path: `${at}.${key}`,
      value: service[key],
      expected: because,
    })),
    ...Object.entries({ ...limits, maxConnections: undefined, ...service.telemetry })
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ({
        path: `${at}.${limits && key in limits ? "limits" : "telemetry"}.${key}`,
        value,
        expected: because,
      })),
    ...ACCESS_OF_REQUESTS.filter((key) => access?.[key] !== undefined).map((key) => ({
      path: `${service.access === undefined ? "defaults" : at}.access.${key}`,
      value: access?.[key],
      expected: `allow, deny or public for ${at}: of a client that speaks ${protocol} only its address is known`,
    })),
    ...addressProblems(at, service, stack),
    ...(protocol === "tcp" ? tcpProblems(at, service) : tlsProblems(at, service, domains)),
  ];
}

/** X-Forwarded-For is a header of requests. */
function addressProblems(at: string, service: ParsedService, { gateway, defaults }: CheckedStack): Problem[] {
  const access = service.access ?? defaults.access;
  const isListed = access?.allow !== undefined || access?.deny !== undefined;
  const { clientAddress } = gateway ?? {};
  const expected = `no address lists, or gateway.clientAddress.proxyProtocol: proxies tell addresses of ${service.protocol} clients by that alone`;
  return isListed && tellsClients(clientAddress) && clientAddress?.proxyProtocol !== true
    ? [{ path: `${at}.access`, value: access, expected }]
    : [];
}

function tcpProblems(at: string, service: ParsedService): Problem[] {
  const named = (["host", "hosts", "certificate"] as const).filter((key) => service[key] !== undefined);
  return [
    ...named.map((key) => ({
      path: `${at}.${key}`,
      value: service[key],
      expected: "not allowed with tcp, which has no names: tls-terminate ends TLS at the gateway, by server name",
    })),
    ...(service.listenPort === undefined
      ? [{ path: `${at}.listenPort`, value: undefined, expected: "a port of the gateway for it alone, such as 5432" }]
      : []),
  ];
}

function tlsProblems(at: string, service: ParsedService, domains: readonly Domain[]): Problem[] {
  const { protocol, certificate } = service;
  const hosts = hostsOf(service, domains);
  return [
    ...(protocol === "tls-passthrough" && certificate !== undefined
      ? [
          {
            path: `${at}.certificate`,
            value: certificate,
            expected: "not allowed with tls-passthrough: its backend ends TLS",
          },
        ]
      : []),
    ...hosts.flatMap(({ host, redirect, at: key }) => {
      const flaw = protocol === "tls-terminate" ? uncovered(host, certificate !== undefined, domains) : undefined;
      return [
        ...(redirect === undefined
          ? []
          : [
              {
                path: `${at}.${key}.redirect`,
                value: redirect,
                expected: `not allowed with ${protocol}: only requests are redirected`,
              },
            ]),
        ...(flaw === undefined ? [] : [{ path: `${at}.${key}`, value: host, expected: flaw }]),
      ];
    }),
  ];
}

/** Ports that a proxy needs itself: 15021 answers health checks, 15090 metrics. https://istio.io/latest/docs/ops/deployment/application-requirements/ */
const ISTIO = { first: 15_000, last: 15_099 };

const EVERY_HOST = `no listenPort with the host *: plain HTTP for every host would be redirected to it`;

/** What to write instead of a port that is not to be had; undefined if it is. */
function reserved(port: number, isTcp: boolean): string | undefined {
  if (port === HTTP_PORT || (isTcp && port === HTTPS_PORT)) {
    return `a port other than ${HTTP_PORT}${isTcp ? ` and ${HTTPS_PORT}` : ""}, which the gateway's own listeners have`;
  }
  return port >= ISTIO.first && port <= ISTIO.last
    ? `a port outside ${ISTIO.first} to ${ISTIO.last}: Istio's proxies use these, for health checks for instance`
    : undefined;
}

/** Each port and server name of the gateway belongs to one service. */
export function listenPortProblems({ services, streams, domainList }: CheckedStack): Problem[] {
  if (domainList === undefined) {
    return [];
  }
  const claims = new Map<string, number>();
  const ports = new Map<number, { readonly index: number; readonly isTcp: boolean }>();
  for (const { index, service } of services) {
    const port = listenPortOf(service);
    ports.set(port, ports.get(port) ?? { index, isTcp: false });
    hostsOf(service, domainList).forEach(({ host }) => claims.set(`${port} ${host}`, index));
  }
  const ofRequests = services.flatMap(({ index, service }): Problem[] => {
    const { listenPort: value } = service;
    const hasEveryHost = hostsOf(service, domainList).some(({ host }) => host === ANY_HOST);
    const expected =
      value === undefined || value === HTTPS_PORT
        ? undefined
        : (reserved(value, false) ?? (hasEveryHost ? EVERY_HOST : undefined));
    return expected === undefined ? [] : [{ path: `services[${index}].listenPort`, value, expected }];
  });
  const ofStreams = streams.flatMap(({ index, service }): Problem[] => {
    const at = `services[${index}]`;
    const isTcp = service.protocol === "tcp";
    const port = listenPortOf(service);
    if (isTcp && service.listenPort === undefined) {
      return [];
    }
    const problem = (expected: string) => [{ path: `${at}.listenPort`, value: port, expected }];
    const other = reserved(port, isTcp);
    if (other !== undefined) {
      return problem(other);
    }
    const earlier = ports.get(port);
    ports.set(port, earlier ?? { index, isTcp });
    if (earlier !== undefined && (isTcp || earlier.isTcp)) {
      return problem(`a port that services[${earlier.index}] does not have: tcp takes all of it`);
    }
    return isTcp
      ? []
      : hostsOf(service, domainList).flatMap(({ host, at: key }) => {
          const claimed = claims.get(`${port} ${host}`);
          claims.set(`${port} ${host}`, claimed ?? index);
          const expected = `a host that services[${claimed ?? 0}] does not have on port ${port}: a server name leads to one of both`;
          return claimed === undefined ? [] : [{ path: `${at}.${key}`, value: host, expected }];
        });
  });
  return [...ofRequests, ...ofStreams];
}
