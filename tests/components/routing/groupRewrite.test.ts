import assert from "node:assert/strict";
import { groupRewritePatches } from "../../../components/routing/groupRewrite";
import { routeSpec } from "../../../components/routing/routes";
import { plain, stack } from "../../support/stacks";

const EXPRESSION = "/users/([0-9]+)(/.*)?";
const service = (more: object, name = "web") => ({ name, namespace: "apps", ...more });
const expression = { path: EXPRESSION, type: "RegularExpression", name: "users" };

describe("components/groupRewrite", () => {
  const patchesOf = (more: object) => groupRewritePatches(stack({ services: [service(more)] }).services);

  it("applies the expression to a copy of the path, and puts back the result", () => {
    const [, discovered] = patchesOf({ paths: [{ ...expression, rewrite: { path: "/v2/\\1\\2" } }, "/fixed"] });
    const config = plain(discovered?.patch.value) as { typed_config: { extension_config: { typed_config: object } } };
    const text = JSON.stringify(config);
    assert.deepEqual(text.match(/"web--[^"]+"/g), ['"web--users"'], "one rule");
    const [[copy, substitution, script] = []] = Object.values(
      (
        config.typed_config.extension_config.typed_config as {
          named_filter_chains: Record<string, { typed_config: { typed_config: object }[] }>;
        }
      ).named_filter_chains,
    ).map(({ typed_config }) => typed_config.map((filter) => filter.typed_config));
    assert.match(JSON.stringify(copy), /HeaderMutation.*"unified-gateway\.path","value":"%PATH\(NQ:PATH\)%"/);
    assert.deepEqual((substitution as { request_rules: object[] }).request_rules, [
      {
        header: "unified-gateway.path",
        on_header_present: {
          metadata_namespace: "unified-gateway.path",
          key: "path",
          regex_value_rewrite: {
            pattern: { google_re2: {}, regex: `^(?:${EXPRESSION})$` },
            substitution: "/v2/\\1\\2",
          },
        },
        remove: true,
      },
    ]);
    assert.equal((script as { clear_route_cache: boolean }).clear_route_cache, false);
  });

  it("leaves the path to the filter, and the host to the route", () => {
    const filtersOf = (rewrite: object) => {
      const [first] = stack({
        services: [service({ paths: [{ ...expression, rewrite }], requestHeaders: { set: { "x-asked": "${path}" } } })],
      }).services;
      assert.ok(first);
      return (
        plain(routeSpec({ service: first, gateway: { name: "g", namespace: "n" } })) as {
          rules: { filters: object[] }[];
        }
      ).rules[0]?.filters;
    };
    const header = (value: string) => ({
      type: "RequestHeaderModifier",
      requestHeaderModifier: { set: [{ name: "x-asked", value }], remove: ["x-asked"] },
    });
    const asked = "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%";
    assert.deepEqual(filtersOf({ path: "/\\1" }), [header(asked)]);
    assert.deepEqual(filtersOf({ path: "/\\1", hostname: "a.b" }), [
      header(asked),
      { type: "URLRewrite", urlRewrite: { hostname: "a.b" } },
    ]);
    assert.deepEqual(filtersOf({ path: "/fixed" }), [
      header("%REQ(:PATH)%"),
      { type: "URLRewrite", urlRewrite: { path: { type: "ReplaceFullPath", replaceFullPath: "/fixed" } } },
    ]);
    assert.deepEqual(patchesOf({ rewrite: { path: "/fixed" } }), [], "no filter without groups");
  });
});
