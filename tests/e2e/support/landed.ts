import type { ConfigPatch } from "../../../kinds/envoyFilter";

/** Reads a proxy's config, as Envoy's admin endpoint /config_dump prints it. */

type Json = Readonly<Record<string, unknown>>;

/** Whether a patch has changed something in a proxy's config. */
export function landed(patch: ConfigPatch, dump: object): boolean {
  return targets(patch, dump).some((target) => holds(patch, target));
}

/** What a patch is meant to change. */
function targets({ applyTo, match: { listener, routeConfiguration } }: ConfigPatch, dump: object): unknown[] {
  const sni = listener?.filterChain?.sni;
  const onPort = () =>
    find(dump, "listener")
      .filter((one) => property(one, "filter_chains") !== undefined)
      .filter((one) => String(find(one, "port_value")[0]) === String(listener?.portNumber));
  const chains = () =>
    find(onPort(), "filter_chains")
      .flat()
      .filter((one) => sni === undefined || find(one, "server_names").flat().includes(sni));
  // `http.80`, or `https.443.…`.
  const routeTables = () =>
    find(dump, "route_config").filter((one) =>
      new RegExp(`^https?\\.${routeConfiguration?.portNumber ?? 0}(\\.|$)`).test(String(property(one, "name"))),
    );
  switch (applyTo) {
    case "LISTENER":
      return onPort();
    case "FILTER_CHAIN":
      return chains();
    case "NETWORK_FILTER":
      return find(chains(), "filters").flat();
    case "HTTP_FILTER":
      return find(chains(), "http_filters").flat();
    case "EXTENSION_CONFIG":
      return find(dump, "ecds_filter");
    case "ROUTE_CONFIGURATION":
      return routeTables();
    case "HTTP_ROUTE":
      return find(find(routeTables(), "virtual_hosts").flat(), "routes")
        .flat()
        .filter((one) => property(one, "name") === routeConfiguration?.vhost?.route.name);
  }
}

/** Inserts are found by name. A filter's map must have the same keys: Envoy prints the rest with other words for defaults. */
function holds({ applyTo, patch: { operation, value } }: ConfigPatch, target: unknown): boolean {
  if (applyTo === "EXTENSION_CONFIG") {
    const keys = (config: unknown) => JSON.stringify(Object.keys(find(config, "map")[0] ?? {}).sort());
    return property(target, "name") === value.name && keys(target) === keys(value);
  }
  if (operation !== "MERGE") {
    return property(target, "name") === value.name;
  }
  const { same, different } = compared(value, target);
  return same > 0 && different === 0;
}

/** Counts the values that both have. Envoy leaves out what equals its default. */
function compared(wanted: unknown, seen: unknown): { same: number; different: number } {
  if (seen === undefined || wanted === undefined) {
    return { same: 0, different: 0 };
  }
  if (typeof wanted === "object" && wanted !== null) {
    const counts = Object.entries(wanted).map(([key, value]) => compared(value, property(seen, key)));
    return {
      same: counts.reduce((sum, { same }) => sum + same, 0),
      different: counts.reduce((sum, { different }) => sum + different, 0),
    };
  }
  const isSame = text(wanted) === text(seen);
  return { same: Number(isSame), different: Number(!isSame) };
}

/** Envoy prints 0.5s as 0.500s, and large numbers as texts. */
function text(value: unknown): string {
  const words = String(value);
  return /^[0-9.]+s$/.test(words) ? `${Number.parseFloat(words)}s` : words;
}

/** All values of a key, at any depth, but not inside one another. */
function find(value: unknown, key: string): unknown[] {
  if (typeof value !== "object" || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([name, entry]: [string, unknown]) =>
    name === key && !Array.isArray(value) ? [entry] : find(entry, key),
  );
}

function property(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Json)[key] : undefined;
}
