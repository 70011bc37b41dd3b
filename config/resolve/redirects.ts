import { ANY_HOST } from "./domains";
import type { StackConfig } from "./model";
import { HTTPS_PORT } from "./protocols";

/** What plain HTTP redirects to one port of https. */
export interface Redirect {
  readonly port: number;
  /** Host names and wildcards; undefined for every host. */
  readonly hostnames: readonly (string | undefined)[];
}

/**
 * What plain HTTP redirects: what the listeners take, except hosts that are served without TLS. Hosts on other ports than 443 are
 * redirected by name, since the same wildcard may be on several, and not if 443 has them too. Also each host whose certificate may come by HTTP-01: while that is solved, the solver's route
 * has the host, which then gets no other wildcard's requests.
 * https://cert-manager.io/docs/configuration/acme/http01/#configuring-the-http-01-gateway-api-solver
 */
export function redirectsOf({
  listeners,
  plainListeners,
  certificates,
  services,
}: Pick<StackConfig, "listeners" | "plainListeners" | "certificates" | "services">): Redirect[] {
  const isPlain = new Set<string | undefined>(plainListeners.map(({ hostname }) => hostname));
  const taken = new Set<string | undefined>();
  const redirect = (port: number, hostnames: readonly (string | undefined)[]): Redirect[] => {
    const own = [...new Set(hostnames)].filter((hostname) => !isPlain.has(hostname) && !taken.has(hostname));
    own.forEach((hostname) => taken.add(hostname));
    return own.length === 0 ? [] : [{ port, hostnames: own }];
  };
  const hostsOn = (wanted: number) =>
    services.flatMap(({ hosts, listenPort }) =>
      listenPort === wanted ? hosts.map(({ host }) => (host === ANY_HOST ? undefined : host)) : [],
    );
  const hosts = new Set<string | undefined>(hostsOn(HTTPS_PORT));
  const solved = certificates
    .filter(({ config }) => config.type === "cert-manager")
    .flatMap(({ dnsNames }) => dnsNames.filter((name) => hosts.has(name)));
  const taking = listeners.filter(({ port }) => port === HTTPS_PORT).map(({ hostname }) => hostname);
  const others = [...new Set(listeners.map(({ port }) => port))].filter((port) => port !== HTTPS_PORT);
  return [
    ...redirect(HTTPS_PORT, [...taking, ...solved]),
    ...others
      .sort((a, b) => a - b)
      .flatMap((port) =>
        redirect(
          port,
          hostsOn(port).filter((host) => !hosts.has(host)),
        ),
      ),
  ];
}
