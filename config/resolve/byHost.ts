import type { IndexedService } from "../schema/service";
import { grouped } from "../values/grouped";
import type { Domain } from "./domains";
import { hostsOf } from "./hosts";
import { listenPortOf } from "./protocols";

/** Services that serve a host together, on one port, in the order of the list. */
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
      .map(({ host }) => ({ host, port: listenPortOf(indexed.service), indexed })),
  );
  const shared = [...grouped(serving, ({ host, port }) => `${host}:${port}`).values()].map(
    ([first, ...others]): SharedHost => ({
      host: first.host,
      services: [first.indexed, ...others.map(({ indexed }) => indexed)],
    }),
  );
  return [...grouped(shared, ({ services: all }) => all.map(({ index }) => index).join()).values()].map(
    ([first]) => first,
  );
}
