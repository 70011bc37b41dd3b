import type { Rule, Service } from "../../config";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { discoveredFilterPatch, firstFilterPatch, lastFilterPatch, type Place } from "./envoyPatches";
import { contentHash } from "./contentHash";
import { authority, HTTPS_PORT } from "../../config/resolve/protocols";
import { cidrRange, type FilterConfig } from "./envoyTypes";
import { END, isIn, partition, type Range } from "./partition";
import { setFilterState } from "./setFilterState";

/**
 * One HTTP filter for all services: Envoy's composite filter, which finds what a request's host or rule asks for in an exact map, and
 * runs it. A request passes one lookup, however many services there are, and istiod merges nothing into routes. The map is not part
 * of the listener but discovered by name (ECDS): a change neither drains connections nor is sent with the routes.
 * Envoy also looks a key up for the response to a request that an earlier filter has answered, and runs the filter on that response:
 * one that changes responses must not take a refusal for an answer.
 * docs/adr/0002-filters-by-route.md compares this with other ways.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/composite_filter
 */

/** What a map is keyed by. */
export type RouteKey = "host" | "rule" | "final-rule" | "misdirected";

/** A filter, or several that a request passes in this order, and its answer in the opposite one. */
export type Filters = FilterConfig | readonly FilterConfig[];

/** Filters by what a header of the request contains, upper case or lower: those of the first that does. */
export interface Choice {
  readonly choices: readonly { readonly header: string; readonly contains: string; readonly filters: Action }[];
  readonly otherwise: Filters;
}

/** Filters for all but the clients with some addresses, as blocks. */
export interface FiltersUnlessFrom {
  readonly filters: Filters;
  readonly unlessFrom: readonly string[];
}

/** For keys that are known, and for which nothing is to be done. */
export const NO_ACTION = undefined;

export type Action = Filters | typeof NO_ACTION;

/** What the requests of a host pass, by their rules: one lookup more, for this host alone. */
export interface ByRule {
  /** `rule`: the one that Envoy had chosen first; `final-rule`: the one it has chosen when Istio's own filters are done. */
  readonly by: "rule" | "final-rule";
  readonly rules: ReadonlyMap<string, Action>;
  /** For rules that are not in the map. */
  readonly otherwise: Action;
}

/** What a key of a map leads to. */
export type Decision = Action | ByRule | Choice | FiltersUnlessFrom;

export interface FilterByRouteArgs {
  /** What it is for. In Envoy the filter is named `unified-gateway.FEATURE`. */
  feature: string;
  /** Where it is among the HTTP filters. */
  place: Place;
  /** `host`: Envoy's name of a virtual host, see `hostKey`; `rule`: the name of a rule; `misdirected`: see `misdirectedKey`. */
  by: RouteKey;
  /** What each key leads to; a host also by rule. Keys that are not in the map get `otherwise`. */
  filters: ReadonlyMap<string, Decision>;
  /** What all other requests pass. Default: nothing. */
  otherwise?: FilterConfig | Choice;
  /** What requests pass whose key is in no map but matches an expression (RE2, for the whole key). Default: nothing. */
  pattern?: { readonly regex: string; readonly filter: Action };
  /** Most bytes of a map in one object. Default: half of what etcd takes. */
  mostBytes?: number;
}

/**
 * Empty if there is nothing to do for any request. A map that is too large for one object is divided over several filters, each with
 * its own range of keys and an object of its own: `discoveredName` tells them apart. Which ranges there are is part of their names:
 * if that changes, all are new, and the old ones are deleted after the new ones exist. No part ever loses some of its range.
 */
export function filterByRoute(args: FilterByRouteArgs): ConfigPatch[] {
  const { feature, place, filters, mostBytes = MOST_BYTES } = args;
  const otherwise = otherwiseOf(args);
  const hasActions =
    otherwise !== undefined || [...filters.values()].flatMap(actionsOf).some((action) => action !== NO_ACTION);
  if (!hasActions) {
    return [];
  }
  const actions = new Map([...filters].map(([key, filter]) => [key, onMatch(filter)]));
  const sizes = new Map([...actions].map(([key, value]) => [key, JSON.stringify({ [key]: value }).length]));
  const ranges = partition(sizes, mostBytes);
  const hash = contentHash(JSON.stringify(ranges));
  return ranges.flatMap((range, index) => {
    const name = filterName(ranges.length === 1 ? feature : `${feature}-${index + 1}-${hash}`);
    const map = Object.fromEntries([...actions].filter(([key]) => isIn(range, key)));
    const decisions = [...filters].filter(([key]) => isIn(range, key)).map(([, decision]) => decision);
    const chains = chainsOf([...decisions, args.otherwise, args.pattern?.filter].flatMap(actionsOf));
    const rest = otherwise && onNoMatch(args.by, otherwise, ranges, index);
    // Envoy rejects a map without entries.
    const isEmpty = Object.keys(map).length === 0;
    const matcher = isEmpty
      ? (rest?.matcher ?? { on_no_match: rest })
      : { ...lookup(args.by, { exact_match_map: { map } }), on_no_match: rest };
    const config = {
      "@type": MATCHING,
      extension_config: { name: "composite", typed_config: { "@type": `${COMPOSITE}.Composite`, ...named(chains) } },
      xds_matcher: matcher,
    };
    return [
      discoveredFilterPatch(name, MATCHING, place),
      {
        applyTo: "EXTENSION_CONFIG",
        match: { context: "GATEWAY" },
        patch: { operation: "ADD", value: { name, typed_config: config } },
      },
    ] satisfies ConfigPatch[];
  });
}

function isByRule(decision: Decision): decision is ByRule {
  return decision !== NO_ACTION && "rules" in decision && !("@type" in decision);
}

function isChoice(decision: Decision): decision is Choice {
  return decision !== NO_ACTION && "choices" in decision && !("@type" in decision);
}

function isExcepting(decision: Decision): decision is FiltersUnlessFrom {
  return decision !== NO_ACTION && "unlessFrom" in decision && !("@type" in decision);
}

/** What a decision may come to. */
function actionsOf(decision: Decision): Action[] {
  if (isByRule(decision)) {
    return [...decision.rules.values(), decision.otherwise];
  }
  if (isExcepting(decision)) {
    return [decision.filters];
  }
  return isChoice(decision) ? [...decision.choices.map(({ filters }) => filters), decision.otherwise] : [decision];
}

/** What becomes of requests whose key is in no map; undefined if nothing does. */
function otherwiseOf({ by, otherwise, pattern }: FilterByRouteArgs): OnMatch | undefined {
  const rest = otherwise && onMatch(otherwise);
  if (pattern === undefined) {
    return rest;
  }
  const predicate = {
    single_predicate: { input: inputOf(by), value_match: { safe_regex: { google_re2: {}, regex: pattern.regex } } },
  };
  const matcher_list = { matchers: [{ predicate, on_match: onMatch(pattern.filter) }] };
  return { matcher: { matcher_list, on_no_match: rest } };
}

/** Half of what etcd takes in a request: `--max-request-bytes` is 1.5 MiB. */
const MOST_BYTES = (1.5 * 1024 * 1024) / 2;

/** What becomes of keys that are in no map: each filter looks after its range, and the first after whatever is in none. */
function onNoMatch(by: RouteKey, otherwise: OnMatch, ranges: readonly Range[], index: number): OnMatch {
  if (ranges.length === 1) {
    return otherwise;
  }
  const prefixes = (range: Range, action: OnMatch) =>
    lookup(by, {
      // Hosts' keys end with a port, so none is the beginning of another.
      prefix_match_map: {
        map: Object.fromEntries(range.filter((prefix) => !prefix.endsWith(END)).map((prefix) => [prefix, action])),
      },
    });
  const others = ranges.filter((_, other) => other !== index).flat();
  return index === 0
    ? { matcher: { ...prefixes(others, onMatch(NO_ACTION)), on_no_match: otherwise } }
    : { matcher: prefixes(ranges[index] ?? [], otherwise) };
}

/** The name of the filter that a patch inserts or configures, if it is sent on its own; undefined otherwise. */
export function discoveredName({ applyTo, patch: { value } }: ConfigPatch): string | undefined {
  return applyTo === "EXTENSION_CONFIG" || "config_discovery" in value ? String(value.name) : undefined;
}

/**
 * The filter that tells the others the host and the rule of a request, in front of all that look for them.
 * @param hasSeveralListeners Whether requests may be misdirected.
 */
export function routeKeysPatch(hasSeveralListeners: boolean): ConfigPatch {
  const host = "%CEL(xds.virtual_host_name)%";
  const keys = {
    [filterName("host")]: host,
    [filterName("rule")]: RULE,
    ...(hasSeveralListeners ? { [filterName("misdirected")]: `${host}_%REQ(:AUTHORITY)%:${HTTPS_PORT}` } : {}),
  };
  return firstFilterPatch(filterName("route-keys"), setFilterState(keys));
}

/**
 * The filter that tells those behind Istio's own the rule that holds from there on: Istio's may have changed headers, by which Envoy
 * has chosen another rule.
 */
export function finalRulePatch(): ConfigPatch {
  return lastFilterPatch(filterName("final-rule"), setFilterState({ [filterName("final-rule")]: RULE }));
}

const RULE = "%ROUTE_NAME%";

/** Name of a filter of the program in Envoy, and of what filters tell each other. */
export function filterName(feature: string): string {
  return `unified-gateway.${feature}`;
}

/** Envoy's own name for a host: whatever the Host header looks like, Envoy has normalised it when it chose the virtual host. */
export function hostKey(host: string, port: number): string {
  return `${host}:${port}`;
}

/** The key of a request that no virtual host matches. */
export const NO_HOST = "-";

/** The key of a request that no rule of its host matches. */
export const NO_RULE = "-";

/**
 * The key of a request for a host, by the virtual host that took it. Browsers write hosts in lower case, and name every port but 443.
 * @param where NO_HOST, or the key of that virtual host.
 */
export function misdirectedKey(where: string, host: string, port: number): string {
  return `${where}_${hostKey(authority(host, port), HTTPS_PORT)}`;
}

/** A map by the rules of services; rules for which `filterOf` returns NO_ACTION are left out. */
export function byRule<T extends Filters | FiltersUnlessFrom>(
  services: readonly Service[],
  filterOf: (rule: Rule, service: Service) => T | typeof NO_ACTION,
): Map<string, T> {
  return new Map(
    services.flatMap((service) =>
      service.rules.flatMap((rule) => {
        const filter = filterOf(rule, service);
        return filter === NO_ACTION ? [] : [[rule.name, filter] as const];
      }),
    ),
  );
}

const MATCHING = "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher";
const COMPOSITE = "type.googleapis.com/envoy.extensions.filters.http.composite.v3";
export const FILTER_STATE_INPUT =
  "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput";
const HEADER_INPUT = "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput";
const ADDRESS_INPUT = "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.SourceIPInput";
const IP_MATCHER = "type.googleapis.com/xds.type.matcher.v3.IPMatcher";
const SKIP = "type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter";

type OnMatch = Readonly<Record<string, unknown>>;

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/xds/type/matcher/v3/matcher.proto#xds-type-matcher-v3-matcher-onmatch */
function onMatch(decision: Decision): OnMatch {
  if (isByRule(decision)) {
    const map = Object.fromEntries([...decision.rules].map(([rule, action]) => [rule, onMatch(action)]));
    return {
      matcher: { ...lookup(decision.by, { exact_match_map: { map } }), on_no_match: onMatch(decision.otherwise) },
    };
  }
  if (isChoice(decision)) {
    const matchers = decision.choices.map(({ header, contains, filters: chosen }) => ({
      predicate: {
        single_predicate: {
          input: { name: header, typed_config: { "@type": HEADER_INPUT, header_name: header } },
          value_match: { contains, ignore_case: true },
        },
      },
      on_match: onMatch(chosen),
    }));
    return { matcher: { matcher_list: { matchers }, on_no_match: onMatch(decision.otherwise) } };
  }
  if (isExcepting(decision)) {
    return {
      matcher: { ...addresses(decision.unlessFrom, onMatch(NO_ACTION)), on_no_match: onMatch(decision.filters) },
    };
  }
  return {
    action:
      decision === NO_ACTION
        ? { name: "skip", typed_config: { "@type": SKIP } }
        : { name: "run", typed_config: { "@type": `${COMPOSITE}.ExecuteFilterAction`, ...execution(decision) } },
  };
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/composite/v3/composite.proto */
function execution(filters: Filters): Record<string, unknown> {
  return isChain(filters)
    ? { filter_chain_name: chainName(filters) }
    : { typed_config: { name: "filter", typed_config: filters } };
}

/** Several filters are sent once, however many keys have them. */
function chainName(filters: readonly FilterConfig[]): string {
  return contentHash(JSON.stringify(filters));
}

/** The chains among actions, by name. */
function chainsOf(actions: readonly Action[]): Record<string, unknown> {
  const filtersOf = (chain: readonly FilterConfig[]) =>
    chain.map((config, index) => ({ name: `filter-${index + 1}`, typed_config: config }));
  return Object.fromEntries(
    actions.flatMap((action) =>
      action !== NO_ACTION && isChain(action)
        ? [[chainName(action), { typed_config: filtersOf(action) }] as const]
        : [],
    ),
  );
}

/** Envoy rejects a map without entries. */
function named(chains: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.keys(chains).length === 0 ? {} : { named_filter_chains: chains };
}

/** The client's address, as Envoy knows it from the connection or from what proxies in front of the gateway say. */
function addresses(blocks: readonly string[], match: OnMatch): Record<string, unknown> {
  const matcher = { "@type": IP_MATCHER, range_matchers: [{ ranges: blocks.map(cidrRange), on_match: match }] };
  return {
    matcher_tree: {
      input: { name: "address", typed_config: { "@type": ADDRESS_INPUT } },
      custom_match: { name: "addresses", typed_config: matcher },
    },
  };
}

function isChain(filters: Filters): filters is readonly FilterConfig[] {
  return Array.isArray(filters);
}

function lookup(by: RouteKey, tree: Record<string, unknown>): Record<string, unknown> {
  return { matcher_tree: { input: inputOf(by), ...tree } };
}

function inputOf(by: RouteKey): Record<string, unknown> {
  return { name: by, typed_config: { "@type": FILTER_STATE_INPUT, key: filterName(by) } };
}
