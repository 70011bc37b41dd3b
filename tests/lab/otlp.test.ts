import assert from "node:assert/strict";
import { decodeSpans, encodeSpan, type Span } from "../../lab/otlp/wire";

describe("lab/otlp", () => {
  it("reads the spans that it writes", () => {
    const span: Span = {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      parentSpanId: "00f067aa0ba902b7",
      name: "echo",
      service: "web",
      attributes: { path: "/ü" },
    };
    assert.deepEqual(decodeSpans(encodeSpan(span, 1_700_000_000_000)), [span]);
  });

  it("reads a request encoded as in the specification", () => {
    // resource_spans { resource { attributes { key: "service.name" value { string_value: "g" } } } scope_spans { spans {
    //   trace_id: 1 byte 0xaa, span_id: 1 byte 0xbb, name: "n", kind: 2, attributes { key: "c" value { int_value: 200 } } } } }
    const resource = "0a170a150a0c736572766963652e6e616d6512050a03676174";
    const span = "0a01aa1201bb2a016e30024a080a0163120318c801";
    const bytes = `0a34${resource}12190a001215${span}`;
    assert.deepEqual(decodeSpans(Buffer.from(bytes, "hex")), [
      { traceId: "aa", spanId: "bb", parentSpanId: "", name: "n", service: "gat", attributes: { c: "200" } },
    ]);
  });
});
