import assert from "node:assert/strict";
import { routeFilters } from "../../../components/routing/routeFilters";
import { grantsOf } from "../../../components/routing/routes";
import { routeSpec } from "../../../components/routing/routes";
import { refuses as refusesConfig, plain, stack } from "../../support/stacks";

const service = (more: Record<string, unknown>) => ({ services: [{ name: "web", namespace: "apps", ...more }] });

describe("components/routeFilters", () => {
  const filters = (more: Record<string, unknown>) => {
    const [resolved] = stack(service(more)).services;
    assert.ok(resolved);
    const { rules } = routeSpec({ service: resolved, gateway: { name: "g", namespace: "n" } });
    return plain(rules.map((rule) => rule.filters ?? []));
  };

  it("writes header changes, rewrites and mirrors as in the Gateway API", () => {
    const more = {
      paths: ["/api"],
      requestHeaders: { set: { "x-a": "1" }, add: { "x-b": "2" }, remove: ["x-c"] },
      responseHeaders: { set: { "x-d": "4" } },
      rewrite: { hostname: "inside.example.test", prefix: "/v1" },
      mirror: { service: "copy", percent: 5 },
    };
    assert.deepEqual(filters(more), [
      [
        {
          type: "RequestHeaderModifier",
          requestHeaderModifier: {
            set: [{ name: "x-a", value: "1" }],
            add: [{ name: "x-b", value: "2" }],
            remove: ["x-c"],
          },
        },
        { type: "ResponseHeaderModifier", responseHeaderModifier: { set: [{ name: "x-d", value: "4" }] } },
        {
          type: "URLRewrite",
          urlRewrite: {
            hostname: "inside.example.test",
            path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/v1" },
          },
        },
        { type: "RequestMirror", requestMirror: { backendRef: { name: "copy", port: 80 }, percent: 5 } },
      ],
    ]);
  });

  it("keeps the slash between a prefix that replaces / and the rest", () => {
    const paths = ["/", { path: "/a", rewrite: { prefix: "/b" } }];
    const rewrite = (prefix: string) => [
      { type: "URLRewrite", urlRewrite: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: prefix } } },
    ];
    // Istio strips one slash from the end.
    for (const [prefix, written] of [
      ["/v1", "/v1//"],
      ["/v1/", "/v1//"],
      ["/", "/"],
    ] as const) {
      assert.deepEqual(filters({ paths, rewrite: { prefix } }), [rewrite("/b"), rewrite(written)], prefix);
    }
  });

  it("uses a path's setting instead of the service's", () => {
    const paths = ["/", { path: "/a", rewrite: { path: "/b" } }];
    assert.deepEqual(filters({ paths, rewrite: { path: "/c" } }), [
      [{ type: "URLRewrite", urlRewrite: { path: { type: "ReplaceFullPath", replaceFullPath: "/b" } } }],
      [{ type: "URLRewrite", urlRewrite: { path: { type: "ReplaceFullPath", replaceFullPath: "/c" } } }],
    ]);
  });

  it("grants access to a mirror in another namespace", () => {
    const [resolved] = stack(service({ mirror: { service: "copy", namespace: "else" } })).services;
    assert.ok(resolved);
    assert.deepEqual(grantsOf(resolved).else?.to, [{ group: "", kind: "Service", name: "copy" }]);
  });
});

describe("config/filters", () => {
  const refuses = (more: Record<string, unknown>, path: string, reason: RegExp) => {
    refusesConfig(service(more), `services[0].${path}`, reason);
  };

  it("refuses changes to Host, invalid names, and empty changes", () => {
    refuses({ requestHeaders: { set: { Host: "x" } } }, "requestHeaders.set.Host", /other than Host/);
    refuses({ responseHeaders: { remove: ["a:b"] } }, "responseHeaders.remove[0]", /header name/);
    refuses({ responseHeaders: {} }, "responseHeaders", /at least one of set, add, remove/);
  });

  it("refuses rewrites that contradict each other or their path", () => {
    refuses({ rewrite: { path: "/a", prefix: "/b" } }, "rewrite", /either path or prefix/);
    refuses({ rewrite: { path: "a" } }, "rewrite.path", /absolute path/);
    const paths = [{ path: "/a", type: "Exact", rewrite: { prefix: "/b" } }];
    refuses({ paths }, "paths[0].type", /has no prefix to replace/);
  });

  it("refuses invalid percentages", () => {
    refuses({ mirror: { service: "copy", percent: 0 } }, "mirror.percent", /from 1 to 100/);
  });
});

describe("components/routeFilters, values", () => {
  const filtersOf = (more: object) => {
    const [service] = stack({ services: [{ name: "web", namespace: "apps", ...more }] }).services;
    const [rule] = service?.rules ?? [];
    assert.ok(rule);
    return plain(routeFilters(rule, { namespace: "apps", hsts: undefined, hosts: [] }));
  };

  it("are literal: % is not an Envoy command operator", () => {
    assert.deepEqual(filtersOf({ requestHeaders: { set: { "x-a": "100%" }, add: { "x-b": "%20 $1" } } }), [
      {
        type: "RequestHeaderModifier",
        requestHeaderModifier: { set: [{ name: "x-a", value: "100%%" }], add: [{ name: "x-b", value: "%%20 $1" }] },
      },
    ]);
  });

  it("have variables, and the client's own header is removed where one has no value", () => {
    const responseHeaders = { set: { "x-request": "id=${requestId}, 5%" } };
    assert.deepEqual(filtersOf({ requestHeaders: { forwarded: true, set: { "x-via": "edge" } }, responseHeaders }), [
      {
        type: "RequestHeaderModifier",
        requestHeaderModifier: {
          set: [
            { name: "x-via", value: "edge" },
            { name: "x-real-ip", value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" },
            { name: "x-forwarded-host", value: "%REQ(:AUTHORITY)%" },
            { name: "x-forwarded-port", value: "%DOWNSTREAM_LOCAL_PORT%" },
          ],
          remove: ["x-real-ip", "x-forwarded-host", "x-forwarded-port"],
        },
      },
      {
        type: "ResponseHeaderModifier",
        responseHeaderModifier: {
          set: [{ name: "x-request", value: "id=%REQ(X-REQUEST-ID)%, 5%%" }],
          remove: ["x-request"],
        },
      },
    ]);
  });
});

describe("config/headers", () => {
  const refuses = (more: object, key: string, reason: RegExp) => {
    refusesConfig({ services: [{ name: "web", namespace: "apps", ...more }] }, `services[0].${key}`, reason);
  };

  it("refuses variables of nginx and Envoy, with what to write instead, and unknown ones", () => {
    for (const [value, reason] of [
      ["$remote_addr", /\$\{clientAddress\} in place of it/],
      ["%DOWNSTREAM_REMOTE_ADDRESS%", /\$\{clientAddress\} in place of it/],
      ["https://$host$request_uri", /\$\{host\} in place of it/],
      ["%REQ(:path)%", /\$\{path\} in place of it/],
      ["$http_cookie", /a fixed text, or with the variables/],
      ["%START_TIME%", /a fixed text, or with the variables/],
      ["%REQ(cookie)%", /a fixed text, or with the variables/],
      ["${password}", /a fixed text, or with the variables/],
      ["${claim.a:b}", /a fixed text, or with the variables/],
    ] as const) {
      refuses({ requestHeaders: { set: { "x-a": value } } }, "requestHeaders.set.x-a", reason);
    }
  });

  it("refuses variables that no request would have, and one header twice", () => {
    refuses(
      { requestHeaders: { set: { "x-a": "${claim.sub}" } } },
      "requestHeaders.set.x-a",
      /access\.jwt beside a claim/,
    );
    refuses(
      { responseHeaders: { add: { "x-a": "${tlsSubject}" } } },
      "responseHeaders.add.x-a",
      /clientCertificates beside/,
    );
    const twice = { forwarded: true, set: { "X-Real-IP": "192.0.2.1" } };
    refuses({ requestHeaders: twice }, "requestHeaders.set.X-Real-IP", /forwarded is the same one/);
    refuses({ responseHeaders: { forwarded: true } }, "responseHeaders.forwarded", /one of the keys|there is no/);
  });
});
