import type { Service } from "../../config";
import { portsOf } from "../../config/resolve/model";
import type { Access } from "../../config/schema/access/access";
import { grouped } from "../../config/values/grouped";
import { sameContent } from "../../config/values/sameContent";
import { type Action, type ByRule, hostKey, NO_RULE } from "../shared/filterByRoute";

/**
 * What becomes of the requests of each host, by who may enter there; by rule where a path has an access of its own. A rule that the
 * map does not know, since Envoy has newer or older routes, gets what the host and all its paths ask for together.
 * @param actionOf What becomes of requests that have to meet all of these.
 */
export function byAccess(
  services: readonly Service[],
  by: ByRule["by"],
  actionOf: (accesses: readonly (Access | undefined)[]) => Action,
): Map<string, Action | ByRule> {
  const served = services.flatMap((service) =>
    portsOf(service).flatMap((port) =>
      service.hosts.map(({ host, redirect }) => ({
        key: hostKey(host, port),
        access: service.access,
        // Hosts that redirect have none of the service's rules.
        rules: redirect === undefined ? service.rules : [],
      })),
    ),
  );
  return new Map(
    [...grouped(served, ({ key }) => key)].map(([key, sharing]): [string, Action | ByRule] => {
      // Services that share a host have the same access: the config check ensures it.
      const [{ access }] = sharing;
      const rules = sharing.flatMap((one) => one.rules);
      if (rules.every((rule) => sameContent(rule.access, access))) {
        return [key, actionOf([access])];
      }
      const actions = rules.map((rule) => [rule.name, actionOf([rule.access])] as const);
      const otherwise = actionOf([...new Set([access, ...rules.map((rule) => rule.access)])]);
      return [key, { by, rules: new Map([[NO_RULE, actionOf([access])], ...actions]), otherwise }];
    }),
  );
}

/** Whether a path has an access of its own. */
export function hasOwnAccess({ rules, access }: Pick<Service, "rules" | "access">): boolean {
  return rules.some((rule) => !sameContent(rule.access, access));
}

/** Who may enter a service and its paths, each once. */
export function accessesOf({ rules, access }: Pick<Service, "rules" | "access">): (Access | undefined)[] {
  return [...new Set([access, ...rules.map((rule) => rule.access)])];
}
