import assert from "node:assert/strict";
import { errorPagesPatches } from "../../../components/entry/errorPages";
import { plain, stack } from "../../support/stacks";

interface OnMatch {
  readonly action?: { readonly typed_config: { readonly filter_chain?: { readonly typed_config: readonly object[] } } };
  readonly matcher?: { readonly matcher_list: { readonly matchers: readonly Choice[] }; readonly on_no_match: OnMatch };
}

interface Choice {
  readonly predicate: {
    readonly single_predicate: {
      readonly input: { readonly typed_config: { readonly header_name: string } };
      readonly value_match: { readonly contains: string };
    };
  };
  readonly on_match: OnMatch;
}

interface Composite {
  readonly typed_config: { readonly named_filter_chains: Readonly<Record<string, object>> };
}

interface Tree {
  readonly matcher_tree?: { readonly exact_match_map: { readonly map: Readonly<Record<string, OnMatch>> } };
  readonly on_no_match?: OnMatch;
}

const service = (name: string, more: object = {}) => ({ name, namespace: "apps", ...more });

/** What becomes of each rule, and of requests that no rule takes. */
function tree(values: Record<string, unknown>): { rules: Readonly<Record<string, OnMatch>>; others?: OnMatch } {
  const config = errorPagesPatches(stack(values)).find(({ applyTo }) => applyTo === "EXTENSION_CONFIG")?.patch.value;
  const { typed_config } = plain(config) as { typed_config: { xds_matcher: Tree; extension_config: Composite } };
  const chains = typed_config.extension_config.typed_config.named_filter_chains;
  // With each chain in place of its name.
  const whole = JSON.parse(JSON.stringify(typed_config.xds_matcher), (_, value: unknown) => {
    const { filter_chain_name: name } = (value ?? {}) as { filter_chain_name?: string };
    return name === undefined ? value : { filter_chain: chains[name] };
  }) as Tree;
  const { matcher_tree, on_no_match } = whole;
  // Without entries, what is for all others is the whole.
  const others = matcher_tree === undefined ? ({ matcher: whole } as OnMatch) : on_no_match;
  return { rules: matcher_tree?.exact_match_map.map ?? {}, others };
}

/** The texts of pages, by form, in the order in which they are tried. */
function texts(match: OnMatch | undefined): Record<string, string[]> {
  const form = (filters: OnMatch | undefined) =>
    [...JSON.stringify(filters?.action).matchAll(/"inline_string":("(?:[^"\\]|\\.)*")/g)].map(
      ([, text = ""]) => JSON.parse(text) as string,
    );
  const html = match?.matcher?.matcher_list.matchers[1]?.on_match;
  return { html: form(html), json: form(match?.matcher?.on_no_match) };
}

describe("components/errorPages", () => {
  it("chooses by Accept, and leaves gRPC alone", () => {
    const { others } = tree({ gateway: { errorPages: {} } });
    const choices = others?.matcher?.matcher_list.matchers.map(({ predicate: { single_predicate: one }, on_match }) => [
      one.input.typed_config.header_name,
      one.value_match.contains,
      on_match.action?.typed_config.filter_chain !== undefined,
    ]);
    assert.deepEqual(choices, [
      ["content-type", "application/grpc", false],
      ["accept", "text/html", true],
    ]);
  });

  it("has one page for all, and entries only for services that differ", () => {
    const pages = { pages: [{ html: "<p>own</p>" }] };
    const services = [
      service("same"),
      service("equal", { errorPages: {} }),
      service("off", { errorPages: false }),
      service("own", { errorPages: pages, paths: ["/", "/api"] }),
      service("calls", { protocol: "grpc" }),
    ];
    const { rules, others } = tree({ gateway: { errorPages: {} }, services });
    assert.deepEqual(Object.keys(rules).sort(), ["calls--root", "off--root", "own--api", "own--root"]);
    assert.equal(rules["off--root"]?.matcher, undefined);
    assert.equal(rules["calls--root"]?.matcher, undefined);
    assert.equal(texts(rules["own--root"]).html?.[0], "<p>own</p>");
    assert.match(texts(others).html?.[0] ?? "", /^<!doctype html>/);
    const alone = tree({ services: [service("web"), service("own", { errorPages: pages })] });
    assert.deepEqual([Object.keys(alone.rules), alone.others], [["own--root"], undefined]);
  });

  it("tries own pages in order, then the program's, and fills in what Envoy knows", () => {
    const pages = [
      { statuses: [404], json: '{"id":"${requestId}"}' },
      { html: "<p>${status} 5% ${title}</p>", json: '"x"' },
    ];
    const { html, json } = texts(tree({ gateway: { errorPages: { pages } } }).others);
    assert.match(html?.[0] ?? "", /^<p>%RESPONSE_CODE% 5%% %CEL\(\{400:"Bad Request",.*\}\[response\.code\]\)%<\/p>$/);
    assert.deepEqual([html?.length, json?.length], [1, 2]);
    assert.deepEqual(json?.slice(0, 2), ['{"id":"%REQ(X-REQUEST-ID)%"}', '"x"']);
  });

  it("acts on the gateway's own answers, and on backends' 5xx if asked", () => {
    const has = (backendErrors: boolean) => {
      const text = JSON.stringify(tree({ gateway: { errorPages: { backendErrors } } }).others);
      assert.match(text, /"function":"_!=_".*"ext_authz_denied"/);
      assert.match(text, /HttpResponseLocalReplyMatchInput"\}\},"value_match":\{"exact":"true"/);
      return /"or_matcher":\{"predicate":\[\{"single_predicate":\{"input":\{[^}]*LocalReply/.test(text);
    };
    assert.deepEqual([has(false), has(true)], [false, true]);
  });

  it("creates nothing if nothing asks for pages", () => {
    assert.deepEqual(errorPagesPatches(stack()), []);
    assert.deepEqual(errorPagesPatches(stack({ services: [service("web", { errorPages: false })] })), []);
  });
});
