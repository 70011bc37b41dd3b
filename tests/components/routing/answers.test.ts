import assert from "node:assert/strict";
import { answerPatches } from "../../../components/routing/answers";
import { routeSpec } from "../../../components/routing/routes";
import { plain, stack } from "../../support/stacks";

const FILTER = "type.googleapis.com/envoy.extensions.filters.http.custom_response.v3.CustomResponse";
const STATE = "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput";
const POLICY = "type.googleapis.com/envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy";

const gateway = { name: "edge", namespace: "edge-system" };

const config = (more: object, given: object = {}) =>
  stack({ gateway: given, services: [{ name: "web", namespace: "apps", ...more }] });
const rulesOf = (more: object) => {
  const [service] = config(more).services;
  assert.ok(service);
  return plain(routeSpec({ service, gateway }).rules) as Record<string, unknown>[];
};
const patchesOf = (more: object, given: object = {}) => {
  const { services, gateway: entry } = config(more, given);
  return answerPatches(services, entry.clientAddress);
};
const entryOf = (more: object, given: object = {}) => {
  const [, patch] = plain(patchesOf(more, given)) as { patch: { value: Entry } }[];
  const { extension_config, xds_matcher } = patch?.patch.value.typed_config ?? {};
  const chains = Object.values(extension_config?.typed_config.named_filter_chains ?? {});
  assert.equal(chains.length, 1);
  // In place of its name, what it is.
  const text = JSON.stringify(xds_matcher?.matcher_tree.exact_match_map.map["web--root"]);
  return JSON.parse(
    text.replace(/"filter_chain_name":"\w+"/, () => `"filter_chain":${JSON.stringify(chains[0])}`),
  ) as unknown;
};
interface Entry {
  typed_config: {
    extension_config: { typed_config: { named_filter_chains: Record<string, object> } };
    xds_matcher: { matcher_tree: { exact_match_map: { map: Record<string, unknown> } } };
  };
}
const header = (key: string, value: string, append_action = "OVERWRITE_IF_EXISTS_OR_ADD") => ({
  header: { key, value },
  append_action,
});
const answer = (status_code: number, body: string, headers: object[]) => ({
  "@type": FILTER,
  custom_response_matcher: {
    matcher_tree: {
      input: { name: "marked", typed_config: { "@type": STATE, key: "unified-gateway.answers" } },
      exact_match_map: {
        map: {
          yes: {
            action: {
              name: "answer",
              typed_config: {
                "@type": POLICY,
                status_code,
                body: { inline_string: body },
                response_headers_to_add: headers,
              },
            },
          },
        },
      },
    },
  },
});
/** Only requests that came as far get the answer: whoever is refused does not. */
const MARK = {
  "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
  on_request_headers: [
    {
      object_key: "unified-gateway.answers",
      factory_key: "envoy.string",
      format_string: { text_format_source: { inline_string: "yes" } },
      read_only: true,
    },
  ],
};
const run = (...chain: object[]) => ({
  action: {
    name: "run",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.composite.v3.ExecuteFilterAction",
      filter_chain: {
        typed_config: chain.map((typed_config, index) => ({ name: `filter-${index + 1}`, typed_config })),
      },
    },
  },
});
const redirected = (redirect: object, more: object = {}) =>
  rulesOf({ paths: [{ path: "/a", redirect }], ...more })[0]?.filters;

describe("components/answers", () => {
  it("redirects by the route's own filter, without backends, timeouts or retries", () => {
    const filters = [
      {
        type: "RequestRedirect",
        requestRedirect: { scheme: "https", hostname: "b.test", statusCode: 302 },
      },
    ];
    const [rule] = rulesOf({
      redirect: { host: "b.test" },
      paths: ["/", { path: "/a", redirect: false }],
      retry: { attempts: 1 },
    });
    assert.deepEqual(rule?.filters, undefined);
    const [, root] = rulesOf({ redirect: { host: "b.test" }, paths: ["/", { path: "/a", redirect: false }] });
    assert.deepEqual(root, { name: "web--root", matches: [{ path: { type: "PathPrefix", value: "/" } }], filters });
    assert.deepEqual(patchesOf({ redirect: { host: "b.test" } }), []);
  });

  it("names a scheme only where the port would be another one", () => {
    const request = (redirect: object, more: object = {}) =>
      (redirected(redirect, more) as [{ requestRedirect: object }])[0].requestRedirect;
    assert.deepEqual(request({ path: "/b" }), {
      path: { type: "ReplaceFullPath", replaceFullPath: "/b" },
      statusCode: 302,
    });
    assert.deepEqual(request({ scheme: "http", host: "b.test", port: 81, status: 307 }), {
      scheme: "http",
      hostname: "b.test",
      port: 81,
      statusCode: 307,
    });
    assert.deepEqual(request({ host: "b.test" }, { plainHttp: true }), { hostname: "b.test", statusCode: 302 });
  });

  it("replaces prefixes so that no slash is lost or doubled", () => {
    const prefix = (path: string, to: string) => {
      const [rule] = rulesOf({ paths: [{ path, redirect: { host: "b.test", prefix: to } }] });
      const [filter] = rule?.filters as [{ requestRedirect: { path: { replacePrefixMatch: string } } }];
      return filter.requestRedirect.path.replacePrefixMatch;
    };
    assert.equal(prefix("/a", "/b"), "/b");
    assert.equal(prefix("/a/", "/b/"), "/b");
    assert.equal(prefix("/", "/b"), "/b/");
    assert.equal(prefix("/", "/"), "/");
  });

  it("answers a rule without backends, with its own headers, then those of responseHeaders and HSTS", () => {
    const respond = { status: 201, headers: { "x-a": "50%", "X-Gone": "x" }, body: "%REQ(x)%\n", contentType: "a/b" };
    const responseHeaders = { set: { "x-b": "${host}" }, add: { "x-a": "2" }, remove: ["x-gone"] };
    const more = { respond, responseHeaders, hsts: { maxAge: "1h" } };
    const [rule] = rulesOf(more);
    assert.deepEqual(rule, { name: "web--root", matches: [{ path: { type: "PathPrefix", value: "/" } }] });
    assert.deepEqual(
      entryOf(more),
      run(
        answer(201, "%REQ(x)%\n", [
          header("content-type", "a/b"),
          header("x-a", "50%%"),
          header("x-b", "%REQ(:AUTHORITY)%"),
          header("strict-transport-security", "max-age=3600"),
          header("x-a", "2", "APPEND_IF_EXISTS_OR_ADD"),
        ]),
        MARK,
      ),
    );
  });

  it("denies with 403, or 404, without a body", () => {
    const denied = (deny: unknown) => entryOf({ deny });
    assert.deepEqual(denied(true), run(answer(403, "", []), MARK));
    assert.deepEqual(denied({}), run(answer(403, "", []), MARK));
    assert.deepEqual(denied({ status: 404 }), run(answer(404, "", []), MARK));
  });

  it("keeps the backends during maintenance, and ends requests before them, except from named clients", () => {
    const more = { maintenance: { retryAfter: "1m30s", body: "x", allow: ["192.0.2.0/24", "2001:db8::1"] } };
    const [forwarding] = rulesOf({ maintenance: {} });
    assert.ok(forwarding?.backendRefs);
    const entry = entryOf(more, { clientAddress: { trustedProxies: 0 } }) as {
      matcher: { matcher_tree: { custom_match: { typed_config: object } }; on_no_match: unknown };
    };
    const skip = {
      name: "skip",
      typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter" },
    };
    assert.deepEqual(entry.matcher.matcher_tree.custom_match.typed_config, {
      "@type": "type.googleapis.com/xds.type.matcher.v3.IPMatcher",
      range_matchers: [
        {
          ranges: [
            { address_prefix: "192.0.2.0", prefix_len: 24 },
            { address_prefix: "2001:db8::1", prefix_len: 128 },
          ],
          on_match: { action: skip },
        },
      ],
    });
    assert.deepEqual(entry.matcher.on_no_match, entryOf({ maintenance: { retryAfter: "1m30s", body: "x" } }));
    const abort = {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
      abort: { http_status: 503, percentage: { numerator: 100, denominator: "HUNDRED" } },
    };
    const headers = [header("content-type", "text/plain; charset=utf-8"), header("retry-after", "90")];
    assert.deepEqual(entry.matcher.on_no_match, run(answer(503, "x", headers), MARK, abort));
    const told = { clientAddress: { trustedProxies: 1, proxyAddresses: ["10.0.0.0/8"] } };
    assert.match(JSON.stringify(entryOf(more, told)), /"::ffff:192\.0\.2\.0"/);
  });

  it("takes a path's answer in place of whatever its service has of them", () => {
    const { services } = config({
      maintenance: {},
      paths: [
        "/",
        { path: "/a", deny: true },
        { path: "/b", maintenance: false },
        { path: "/c", backends: [{ service: "c" }] },
        { path: "/d", respond: { status: 200 } },
      ],
    });
    const found = Object.fromEntries(
      (services[0]?.rules ?? []).map(({ path, deny, respond, maintenance, backends }) => [
        path,
        [deny?.status ?? respond?.status ?? maintenance?.retryAfter, backends.length],
      ]),
    );
    assert.deepEqual(found, {
      "/": ["5m", 1],
      "/a": [403, 0],
      "/b": [undefined, 1],
      "/c": [undefined, 1],
      "/d": [200, 0],
    });
  });

  it("makes nothing if no rule has any", () => {
    assert.deepEqual(patchesOf({}), []);
  });
});
