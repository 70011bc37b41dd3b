import assert from "node:assert/strict";
import { isProxyOf } from "../../verify/cluster/proxies";

describe("verify/proxies", () => {
  it("knows the gateway's own Pods from those of gateways with a longer name, or in another namespace", () => {
    const edge = { name: "edge", namespace: "web" };
    assert.ok(isProxyOf(edge, "edge-istio-6c5d9b7f4-x2x8k.web"));
    for (const id of ["edge-istio-b-istio-6c5d9b7f4-x2x8k.web", "edge-istio-6c5d9b7f4-x2x8k.other-web", "x.web"]) {
      assert.ok(!isProxyOf(edge, id), id);
    }
  });
});
