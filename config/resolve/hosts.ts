import type { RedirectCode } from "../schema/entry/httpsRedirect";
import type { ParsedService } from "../schema/service";
import type { Domain } from "./domains";

/** A host of a service, as its config says it. */
export interface GivenHost {
  readonly host: string;
  /** Status of the redirect to the first host. Undefined: it serves. */
  readonly redirect: RedirectCode | undefined;
  /** The key of the service that sets it: `host`, or `hosts[1]`. */
  readonly at: string;
}

/** The hosts of a service, its own first. @param domains The first follows its name if it sets none. */
export function hostsOf(
  service: Pick<ParsedService, "host" | "hosts" | "name">,
  domains: readonly Pick<Domain, "domain">[],
): GivenHost[] {
  const { host, hosts } = service;
  return hosts === undefined
    ? [{ host: host ?? `${service.name}.${domains[0]?.domain ?? ""}`, redirect: undefined, at: "host" }]
    : hosts.map(({ host, redirect }, index) => ({ host, redirect, at: `hosts[${index}]` }));
}
