import assert from "node:assert/strict";
import { refuses as refusesConfig, mistakes } from "../../support/stacks";

const config = (more: object, others: object[] = []) => ({
  services: [{ name: "web", namespace: "apps", ...more }, ...others],
});

/** Asserts that a service has exactly one mistake, at a path, with a message. */
function refuses(more: object, path: string, reason: RegExp, others: object[] = []): void {
  refusesConfig(config(more, others), `services[0]${path}`, reason);
}
const accepts = (more: object, others: object[] = []) => {
  assert.deepEqual(mistakes(config(more, others)), []);
};

describe("config/answers", () => {
  it("takes one of them, on a service and on each path", () => {
    refuses({ deny: true, maintenance: {} }, ".maintenance", /either deny or maintenance$/);
    const path = { path: "/a", redirect: { host: "b.test" }, respond: { status: 200 } };
    refuses({ paths: ["/", path] }, ".paths[1].respond", /either redirect or respond$/);
    accepts({ deny: true, paths: ["/", { path: "/a", respond: { status: 200 } }] });
  });

  it("refuses what only backends give a meaning to, where none gets a request", () => {
    const unused = {
      backends: [{ service: "a" }],
      port: 81,
      timeouts: { request: "1s" },
      retry: { attempts: 1 },
      requestHeaders: { set: { a: "b" } },
      rewrite: { path: "/b" },
      mirror: { service: "b" },
    };
    for (const [key, value] of Object.entries(unused)) {
      refuses({ paths: ["/", { path: "/a", deny: true, [key]: value }] }, `.paths[1].${key}`, /not allowed with deny/);
    }
    const { port: _, ...ofService } = unused;
    const canary = { service: "next", percent: 1 };
    for (const [key, value] of Object.entries({ ...ofService, trafficPolicy: {} })) {
      refuses({ deny: true, [key]: value }, `.${key}`, /not allowed with deny: no backend gets a request/);
      accepts({ deny: true, paths: ["/", { path: "/a", deny: false }], [key]: value });
    }
    assert.match(mistakes(config({ deny: true, canary })).join(), /not allowed with deny/);
    accepts({ maintenance: {}, canary, ...ofService, port: 81 });
  });

  it("takes CORS beside backends only", () => {
    const cors = { allowOrigins: ["https://a.test"] };
    refuses({ respond: { status: 200 }, cors }, ".cors", /responseHeaders can set Access-Control-Allow-Origin/);
    refuses({ redirect: { host: "b.test" }, cors }, ".cors", /not allowed with redirect/);
    accepts({ cors, paths: ["/", { path: "/a", deny: true }] });
  });

  it("refuses redirects without a target, or with two", () => {
    refuses({ redirect: {} }, ".redirect", /at least one of host, scheme, port, path, prefix$/);
    refuses({ redirect: { status: 301 } }, ".redirect", /at least one of/);
    refuses({ redirect: { host: "b.test", path: "/a", prefix: "/b" } }, ".redirect", /either path or prefix$/);
    refuses({ redirect: { host: "b.test", status: 300 } }, ".redirect.status", /one of 301, 302, 303, 307, 308$/);
    refuses({ redirect: { host: "B.test" } }, ".redirect.host", /a lower-case host name/);
    refuses({ redirect: { host: "b.test", path: "/a?b" } }, ".redirect.path", /without '\?'/);
    refuses({ redirect: { host: "b.test", scheme: "ftp" } }, ".redirect.scheme", /https or http$/);
  });

  it("refuses prefixes where there are none, and one that doubles slashes", () => {
    const redirect = { host: "b.test", prefix: "/b" };
    refuses({ paths: [{ path: "/a", type: "Exact", redirect }] }, ".paths[0].type", /redirect\.path instead/);
    refuses({ redirect, paths: ["/", { path: "/a.*x", type: "Exact" }] }, ".paths[1].type", /no prefix to replace/);
    refuses({ paths: [{ path: "/a", redirect: { prefix: "/" } }] }, ".paths[0].redirect.prefix", /other than \//);
  });

  it("refuses redirects that lead to themselves, also by way of plain HTTP", () => {
    const loops = (redirect: object, more: object = {}) =>
      refuses({ redirect, ...more }, ".redirect", /leads to itself$/);
    loops({ path: "/" });
    loops({ path: "/x" });
    loops({ prefix: "/x" });
    loops({ scheme: "https" });
    loops({ scheme: "http" });
    loops({ host: "web.example.test" });
    loops({ port: 443 });
    loops({ host: "b.example.test", scheme: "http" }, { hosts: ["a.example.test", "b.example.test"] });
    loops({ host: "other.example.test" }, { host: "*.example.test" });
    loops({ scheme: "https" }, { plainHttp: true });
    loops({ scheme: "http" }, { plainHttp: true });
    loops({ path: "/a" }, { paths: [{ path: "/.*", type: "RegularExpression" }] });
  });

  it("accepts redirects to where something else answers", () => {
    accepts({ redirect: { port: 444 } });
    accepts({ redirect: { host: "www.example.com" } });
    accepts({ redirect: { path: "/a" }, paths: ["/", { path: "/a", redirect: false }] });
    accepts({ paths: ["/", { path: "/old", redirect: { path: "/new" } }] });
    accepts({ paths: ["/", { path: "/old", redirect: { prefix: "/new" } }] });
    accepts({ paths: [{ path: "/a", type: "Exact", redirect: { path: "/a/" } }] });
    accepts({
      redirect: { path: "/a" },
      host: "x.example.test",
      paths: [
        { path: "/", redirect: { path: "/a" } },
        { path: "/b", deny: true },
        { path: "/a", redirect: false },
      ],
    });
    accepts({ host: "*.example.test", redirect: { host: "other.example.test" } }, [
      { name: "other", namespace: "apps" },
    ]);
    accepts({ redirect: { path: "/a" } }, [
      { name: "part", namespace: "apps", host: "web.example.test", paths: ["/a"] },
    ]);
  });

  it("bounds bodies, and refuses those that clients could not tell from the next answer", () => {
    const respond = (more: object) => ({ respond: { status: 200, ...more } });
    accepts(respond({ body: "x".repeat(4096) }));
    for (const body of ["x".repeat(4097), "ü".repeat(2049), "\ud800", 7]) {
      refuses(respond({ body }), ".respond.body", /a text of at most 4096 bytes in UTF-8$/);
    }
    for (const status of [204, 205, 304]) {
      refuses(respond({ status, body: "x" }), ".respond", /no body with 204, 205 or 304/);
      accepts(respond({ status }));
    }
    for (const status of [199, 600, 101, "200", undefined]) {
      refuses({ respond: { status } }, ".respond.status", /an HTTP status from 200 to 599$/);
    }
  });

  it("refuses headers that follow from the answer, variables, and what is no media type", () => {
    const respond = (more: object) => ({ respond: { status: 200, ...more } });
    for (const name of ["Content-Type", "content-length", "Connection", "Transfer-Encoding", "grpc-status"]) {
      refuses(
        respond({ headers: { [name]: "x" } }),
        `.respond.headers.${name}`,
        /a header that the answer leaves open/,
      );
    }
    for (const value of ["${host}", "$request_uri", "%REQ(X-A)%"]) {
      refuses(
        respond({ headers: { a: value } }),
        ".respond.headers.a",
        /a fixed text: responseHeaders takes variables/,
      );
    }
    for (const contentType of ["json", "a/b\nx", "text/%REQ(x)%", ""]) {
      assert.ok(mistakes(config(respond({ contentType }))).length > 0, contentType);
    }
    accepts(respond({ headers: { a: "100%" }, contentType: "text/html; charset=utf-8" }));
  });

  it("refuses other ways to deny, and times that Retry-After cannot say", () => {
    refuses({ deny: false }, ".deny", /true, or \{ status: 403 or 404 \}$/);
    refuses({ deny: { status: 401 } }, ".deny.status", /either 403 or 404$/);
    refuses({ maintenance: true }, ".maintenance", /a map of keys$/);
    for (const retryAfter of ["0s", "1500ms", "31d", 5]) {
      refuses({ maintenance: { retryAfter } }, ".maintenance.retryAfter", /from 1s to 30d in whole seconds/);
    }
  });

  it("asks where clients' addresses come from if some pass during maintenance", () => {
    const expected = /since services\[0\]\.maintenance\.allow depends on client addresses/;
    const [line = "", ...more] = mistakes(config({ maintenance: { allow: ["192.0.2.1"] } }));
    assert.match(line, /gateway\.clientAddress: /);
    assert.match(line, expected);
    assert.deepEqual(more, []);
    const ofPath = { paths: ["/", { path: "/a", maintenance: { allow: ["192.0.2.1"] } }] };
    assert.match(mistakes(config(ofPath)).join(), /services\[0\]\.paths\[1\]\.maintenance\.allow depends/);
  });

  it("takes refusals and maintenance for gRPC, and nothing for connections", () => {
    accepts({ protocol: "grpc", paths: ["/", { path: "/a.B", deny: true }], maintenance: {} });
    refuses({ protocol: "grpc", redirect: { host: "b.test" } }, ".redirect", /its clients follow no redirect$/);
    refuses({ protocol: "grpc", respond: { status: 200 } }, ".respond", /ends with a status of gRPC/);
    const stream = { protocol: "tls-passthrough" };
    for (const [key, value] of Object.entries({ deny: true, maintenance: {}, respond: { status: 200 } })) {
      refuses({ ...stream, [key]: value }, `.${key}`, /the gateway reads no requests there$/);
    }
  });

  it("needs newer CRDs for some statuses of redirects", () => {
    const kubernetes = { renderDirectory: "out", gatewayApi: { channel: "standard", version: "v1.4.0" } };
    const found = (status: number) => mistakes({ ...config({ redirect: { host: "b.test", status } }), kubernetes });
    assert.deepEqual(found(302), []);
    assert.match(found(308).join(), /services\[0\]\.redirect\.status: 308, expected CRDs of the Gateway API/);
  });
});
