import type { IndexedService } from "../schema/service";
import { grouped } from "../values/grouped";
import { hostOf } from "./service";

/** The services of each host, in the order of the list. */
export function byHost({
  services,
  domain = "",
}: {
  readonly services: readonly IndexedService[];
  readonly domain?: string;
}): [IndexedService, ...IndexedService[]][] {
  return [...grouped(services, ({ service }) => hostOf(service, domain)).values()];
}
