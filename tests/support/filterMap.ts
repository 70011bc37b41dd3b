import assert from "node:assert/strict";
import type { FilterConfig } from "../../components/shared/envoyTypes";
import { filterName } from "../../components/shared/filterByRoute";
import type { ConfigPatch, EnvoyFilterSpec } from "../../kinds/envoyFilter";
import { plain } from "./stacks";

/** What a feature does with each request. */
export interface FilterMap {
  /** The filter by host or rule; undefined where none runs. */
  readonly filters: Readonly<Record<string, FilterConfig | undefined>>;
  /** The filter of all other requests. */
  readonly otherwise: FilterConfig | undefined;
  /** Expressions for keys that are in no map, with their filters. */
  readonly patterns?: Readonly<Record<string, FilterConfig | undefined>>;
}

/** The map of a feature, which is in one part, from its patches or from the inputs of its EnvoyFilter. */
export function filterMap(from: readonly ConfigPatch[] | Record<string, unknown>, feature: string): FilterMap {
  const patches = Array.isArray(from)
    ? (from as readonly ConfigPatch[])
    : (from as { spec: EnvoyFilterSpec }).spec.configPatches;
  const [matcher, ...more] = matchers(patches, feature);
  assert.ok(matcher && more.length === 0, `${more.length} more parts of ${feature}`);
  const map = matcher.matcher_tree?.exact_match_map?.map ?? {};
  const rest = matcher.matcher_tree === undefined ? matcher : matcher.on_no_match?.matcher;
  const patterns = (rest?.matcher_list?.matchers ?? []).map(
    ({ predicate, on_match }) => [predicate.single_predicate.value_match.safe_regex.regex, filterOf(on_match)] as const,
  );
  return {
    filters: Object.fromEntries(Object.entries(map).map(([key, onMatch]) => [key, filterOf(onMatch)])),
    otherwise: matcher.on_no_match?.matcher === undefined ? filterOf(matcher.on_no_match) : undefined,
    ...(patterns.length === 0 ? {} : { patterns: Object.fromEntries(patterns) }),
  };
}

/** The filters that a request with this host or rule runs, in order, of all parts of a feature. */
export function filtersOf(patches: readonly ConfigPatch[], feature: string, key: string): FilterConfig[] {
  return matchers(patches, feature).flatMap((matcher) => filterOf(found(matcher, key)) ?? []);
}

function matchers(patches: readonly ConfigPatch[], feature: string): Matcher[] {
  return patches
    .filter(({ applyTo, patch }) => applyTo === "EXTENSION_CONFIG" && isPart(String(patch.value.name), feature))
    .map(({ patch }) => (plain(patch.value) as { typed_config: { xds_matcher: Matcher } }).typed_config.xds_matcher);
}

function isPart(name: string, feature: string): boolean {
  return name.replace(/-\d+-[0-9a-f]{10}$/, "") === filterName(feature);
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/xds/type/matcher/v3/matcher.proto */
interface Matcher {
  readonly matcher_list?: {
    readonly matchers: readonly {
      readonly predicate: {
        readonly single_predicate: { readonly value_match: { readonly safe_regex: { readonly regex: string } } };
      };
      readonly on_match: OnMatch;
    }[];
  };
  readonly matcher_tree?: {
    readonly exact_match_map?: { readonly map: Readonly<Record<string, OnMatch>> };
    readonly prefix_match_map?: { readonly map: Readonly<Record<string, OnMatch>> };
  };
  readonly on_no_match?: OnMatch;
}

interface OnMatch {
  readonly action?: {
    readonly typed_config: {
      readonly "@type": string;
      readonly typed_config?: { readonly typed_config: FilterConfig };
    };
  };
  readonly matcher?: Matcher;
}

/** As Envoy looks a key up: the longest prefix wins. */
function found({ matcher_tree: tree = {}, on_no_match: otherwise }: Matcher, key: string): OnMatch | undefined {
  const { exact_match_map: exact, prefix_match_map: prefixes } = tree;
  const [longest] = Object.keys(prefixes?.map ?? {})
    .filter((prefix) => key.startsWith(prefix))
    .sort((a, b) => b.length - a.length);
  const match = exact?.map[key] ?? prefixes?.map[longest ?? ""] ?? otherwise;
  return match?.matcher === undefined ? match : found(match.matcher, key);
}

function filterOf(match: OnMatch | undefined): FilterConfig | undefined {
  if (match === undefined) {
    return undefined;
  }
  assert.ok(match.action);
  const { "@type": type, typed_config: filter } = match.action.typed_config;
  if (type.endsWith(".SkipFilter")) {
    return undefined;
  }
  assert.match(type, /\.ExecuteFilterAction$/);
  assert.ok(filter);
  return filter.typed_config;
}
