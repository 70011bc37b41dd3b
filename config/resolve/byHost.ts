import type { IndexedService } from "../schema/service";
import { grouped } from "../values/grouped";
import type { Domain } from "./domains";
import { hostsOf } from "./hosts";

/** Services that serve a host together, in the order of the list. */
export interface SharedHost {
  readonly host: string;
  readonly services: readonly [IndexedService, ...IndexedService[]];
}

/** The services of each host that serves. Of the hosts that the same services serve, there is the first. */
export function byHost({
  services,
  domainList = [],
}: {
  readonly services: readonly IndexedService[];
  readonly domainList?: readonly Domain[];
}): SharedHost[] {
  const serving = services.flatMap((indexed) =>
    hostsOf(indexed.service, domainList)
      .filter(({ redirect }) => redirect === undefined)
      .map(({ host }) => ({ host, indexed })),
  );
  const shared = [...grouped(serving, ({ host }) => host)].map(([host, [first, ...others]]): SharedHost => ({
    host,
    services: [first.indexed, ...others.map(({ indexed }) => indexed)],
  }));
  return [...grouped(shared, ({ services: all }) => all.map(({ index }) => index).join()).values()].map(
    ([first]) => first,
  );
}
