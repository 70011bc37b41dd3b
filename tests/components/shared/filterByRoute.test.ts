import assert from "node:assert/strict";
import type { FilterConfig } from "../../../components/shared/envoyTypes";
import {
  byRule,
  type FilterByRouteArgs,
  filterByRoute,
  NO_ACTION,
  routeKeysPatch,
} from "../../../components/shared/filterByRoute";
import { filtersOf } from "../../support/filterMap";
import { plain, stack } from "../../support/stacks";

const FILTER: FilterConfig = { "@type": "type.googleapis.com/example.Filter", text: "on" };
const OTHER: FilterConfig = { "@type": "type.googleapis.com/example.Other" };

const patches = (more: Partial<FilterByRouteArgs>) =>
  filterByRoute({ feature: "example", place: "last", by: "host", filters: new Map(), ...more });

/** What Envoy does if it runs a filter. */
const run = (filter: FilterConfig) => ({
  action: {
    name: "run",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.composite.v3.ExecuteFilterAction",
      typed_config: { name: "filter", typed_config: filter },
    },
  },
});

describe("components/filterByRoute", () => {
  it("emits no empty map, which Envoy rejects", () => {
    const matcherOf = (more: Partial<FilterByRouteArgs>) => {
      const value = plain(patches(more)[1]?.patch.value) as { typed_config: { xds_matcher: unknown } };
      return value.typed_config.xds_matcher;
    };
    assert.deepEqual(matcherOf({ otherwise: OTHER }), { on_no_match: run(OTHER) });
    const both = JSON.stringify(matcherOf({ pattern: { regex: "a", filter: FILTER }, otherwise: OTHER }));
    assert.match(both, /^\{"matcher_list":\{"matchers":\[\{"predicate":.*\}\]\},"on_no_match":\{"action"/);
    assert.doesNotMatch(both, /exact_match_map/);
  });

  it("emits a filter that waits for its config, and the config with an exact map", () => {
    const filters = new Map([
      ["a.example.test:443", FILTER],
      ["b.example.test:443", NO_ACTION],
    ]);
    const matching = "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher";
    assert.deepEqual(plain(patches({ filters, otherwise: OTHER })), [
      {
        applyTo: "HTTP_FILTER",
        match: {
          context: "GATEWAY",
          listener: {
            portNumber: 443,
            filterChain: {
              filter: {
                name: "envoy.filters.network.http_connection_manager",
                subFilter: { name: "envoy.filters.http.router" },
              },
            },
          },
        },
        patch: {
          operation: "INSERT_BEFORE",
          value: {
            name: "unified-gateway.example",
            config_discovery: {
              config_source: { ads: {}, initial_fetch_timeout: "0s", resource_api_version: "V3" },
              type_urls: [matching],
            },
          },
        },
      },
      {
        applyTo: "EXTENSION_CONFIG",
        match: { context: "GATEWAY" },
        patch: {
          operation: "ADD",
          value: {
            name: "unified-gateway.example",
            typed_config: {
              "@type": matching,
              extension_config: {
                name: "composite",
                typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.composite.v3.Composite" },
              },
              xds_matcher: {
                matcher_tree: {
                  input: {
                    name: "host",
                    typed_config: {
                      "@type":
                        "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
                      key: "unified-gateway.host",
                    },
                  },
                  exact_match_map: {
                    map: {
                      "a.example.test:443": run(FILTER),
                      "b.example.test:443": {
                        action: {
                          name: "skip",
                          typed_config: {
                            "@type": "type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter",
                          },
                        },
                      },
                    },
                  },
                },
                on_no_match: run(OTHER),
              },
            },
          },
        },
      },
    ]);
  });

  it("reads the key and takes the place that it is told, and does nothing with other requests by default", () => {
    const [filter, config] = plain(
      patches({ place: "first", by: "rule", filters: new Map([["web--root", FILTER]]) }),
    ) as { match: { listener?: { filterChain: { filter: object } } }; patch: { operation: string; value: object } }[];
    assert.equal(filter?.patch.operation, "INSERT_FIRST");
    assert.ok(!JSON.stringify(filter.match).includes("subFilter"));
    assert.match(JSON.stringify(config?.patch.value), /"input":\{"name":"rule",.*"key":"unified-gateway\.rule"/);
    assert.doesNotMatch(JSON.stringify(config?.patch.value), /on_no_match/);
  });

  it("is nothing if nothing is done for any request", () => {
    assert.deepEqual(patches({}), []);
    assert.deepEqual(patches({ filters: new Map([["a.example.test:443", NO_ACTION]]) }), []);
    assert.equal(patches({ otherwise: OTHER }).length, 2);
  });

  it("divides a map that is too large over filters that together do the same", () => {
    const hosts = Array.from(
      { length: 200 },
      (_, index) => `${index % 3 === 0 ? "a" : `b-${index % 7}`}.x${index}.test:443`,
    );
    const filters = new Map<string, FilterConfig | undefined>([
      ...hosts.map((host, index): [string, FilterConfig | undefined] => [
        host,
        index % 5 === 0 ? NO_ACTION : { ...FILTER, text: host },
      ]),
      ["-", NO_ACTION],
    ]);
    const strangers = [
      "a.other.test:443",
      "b-2.other.test:443",
      "z.test:443",
      "a:443",
      "b:443",
      "0:443",
      "*.x1.test:443",
    ];
    for (const otherwise of [OTHER, undefined]) {
      const whole = patches({ filters, otherwise });
      const parts = patches({ filters, otherwise, mostBytes: 10_000 });
      assert.equal(whole.length, 2);
      assert.ok(parts.length > 6, `${parts.length}`);
      for (const key of [...filters.keys(), ...strangers]) {
        assert.deepEqual(filtersOf(parts, "example", key), filtersOf(whole, "example", key), key);
      }
    }
  });

  it("names the parts after their ranges, so that none loses a key to another while they change", () => {
    const of = (count: number, mostBytes: number) => {
      const filters = new Map(Array.from({ length: count }, (_, index) => [`s${index}--root`, FILTER] as const));
      return [...new Set(patches({ filters, by: "rule", mostBytes }).map(({ patch }) => patch.value.name))];
    };
    const names = of(50, 5000);
    assert.match(String(names[0]), /^unified-gateway\.example-1-[0-9a-f]{10}$/);
    assert.ok(of(50, 2000).every((name) => !names.includes(name)));
    assert.deepEqual(of(1, 5000), ["unified-gateway.example"]);
  });

  it("has a filter for each rule that wants one", () => {
    const { services } = stack({
      services: [
        { name: "web", namespace: "apps", paths: ["/", "/api"] },
        { name: "free", namespace: "apps" },
      ],
    });
    const of = (wanted: string) =>
      byRule(services, ({ path }, { name }) => (name === "web" && path === wanted ? FILTER : NO_ACTION));
    assert.deepEqual(of("/api"), new Map([["web--api", FILTER]]));
    assert.deepEqual(of("/else"), new Map());
  });

  it("writes down both keys for the filters behind it, which cannot change them", () => {
    const { applyTo, patch } = routeKeysPatch(false);
    assert.deepEqual(
      [applyTo, patch],
      [
        "HTTP_FILTER",
        {
          operation: "INSERT_FIRST",
          value: {
            name: "unified-gateway.route-keys",
            typed_config: {
              "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
              on_request_headers: [
                ["unified-gateway.host", "%CEL(xds.virtual_host_name)%"],
                ["unified-gateway.rule", "%ROUTE_NAME%"],
              ].map(([object_key, inline_string]) => ({
                object_key,
                factory_key: "envoy.string",
                format_string: { text_format_source: { inline_string } },
                read_only: true,
              })),
            },
          },
        },
      ],
    );
  });
});
