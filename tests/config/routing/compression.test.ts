import assert from "node:assert/strict";
import { refuses as refusesConfig, mistakes, stack } from "../../support/stacks";

const service = (compression: unknown, more: object = {}) => ({
  services: [{ name: "web", namespace: "apps", compression, ...more }],
});

/** Asserts that a compression has exactly one mistake. */
function refuses(compression: unknown, path: string, reason: RegExp): void {
  refusesConfig(service(compression), `services[0].compression${path}`, reason);
}

describe("config/compression", () => {
  it("is off by default, and on with brotli, gzip and the texts of the web", () => {
    assert.equal(stack().services[0]?.rules[0]?.compression, undefined);
    const { algorithms, minSize, contentTypes = [] } = stack(service({})).services[0]?.rules[0]?.compression ?? {};
    assert.deepEqual([algorithms, minSize], [["brotli", "gzip"], "1Ki"]);
    assert.ok(contentTypes.includes("text/html") && contentTypes.includes("application/json"));
    assert.ok(!contentTypes.some((type) => /event-stream|grpc|image\/(?!svg)/.test(type)));
  });

  it("refuses other algorithms, none, and one twice", () => {
    refuses({ algorithms: ["zstd"] }, ".algorithms[0]", /"zstd", expected brotli or gzip$/);
    refuses({ algorithms: [] }, ".algorithms", /at least one of brotli, gzip$/);
    refuses({ algorithms: ["gzip", "gzip"] }, ".algorithms", /each algorithm once$/);
    refuses({ algorithms: "gzip" }, ".algorithms", /a list of brotli and gzip$/);
    refuses(true, "", /a map of keys, or false to turn it off$/);
  });

  it("refuses sizes that nobody means", () => {
    for (const minSize of [0, 29, "2Gi", "1KB"]) {
      refuses({ minSize }, ".minSize", /a size from 30 to 1Gi, such as 1Ki$/);
    }
    refuses({ minBytes: 100 }, ".minBytes", /the key minSize, a size such as 1Ki$/);
  });

  it("refuses content types that Envoy would not find, and those of gRPC", () => {
    for (const type of ["html", "text/*", "Text/HTML", "text/html; charset=utf-8", "application/grpc", ""]) {
      refuses({ contentTypes: [type] }, ".contentTypes[0]", /a content type such as text\/html, in lower case/);
    }
    refuses({ contentTypes: [] }, ".contentTypes", /at least one content type$/);
  });

  it("is refused for gRPC and for connections, which inherit none either", () => {
    const lines = mistakes(service({}, { protocol: "grpc", paths: [{ path: "/a.B", compression: {} }] }));
    assert.deepEqual(
      lines.map((line) => line.split(": ")[0]),
      ["istio-gateway:services[0].compression", "istio-gateway:services[0].paths[0].compression"],
    );
    const [line] = mistakes(service({}, { protocol: "tls-passthrough" }));
    assert.match(line ?? "", /services\[0\]\.compression: .*the gateway reads no requests there/);
    const { services } = stack({ ...service(undefined, { protocol: "grpc" }), defaults: { compression: {} } });
    assert.equal(services[0]?.rules[0]?.compression, undefined);
  });
});
