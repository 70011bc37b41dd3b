import assert from "node:assert/strict";
import { addressesIn } from "../../verify/cluster/clientAddress";
import { missingIn } from "../../verify/cluster/infrastructure";

describe("verify/infrastructure", () => {
  it("finds the first place where an object lacks what a patch has", () => {
    const live = { spec: { replicas: 2, list: [{ name: "a", cpu: "500m", more: 1 }, { name: "b" }], memory: "1Gi" } };
    assert.equal(missingIn({ spec: { replicas: 2, list: [{ name: "a" }] } }, live), undefined);
    assert.equal(missingIn({ spec: { replicas: 3 } }, live), "spec.replicas");
    assert.equal(missingIn({ spec: { list: [{ name: "b" }, { name: "c" }] } }, live), "spec.list[1]");
    assert.equal(missingIn({ spec: { gone: null } }, live), undefined);
    assert.equal(missingIn({ spec: { replicas: null } }, live), "spec.replicas");
  });

  it("takes two ways to write an amount for the same", () => {
    assert.equal(missingIn({ cpu: "0.5", memory: "1024Mi" }, { cpu: "500m", memory: "1Gi" }), undefined);
    assert.equal(missingIn({ cpu: "0.5" }, { cpu: "5" }), "cpu");
  });

  it("reads addresses in a line of any log, without ports, and IPv4 in its own form", () => {
    assert.deepEqual(addressesIn('{"client":"192.0.2.1","upstream":"10.0.0.1:8080","agent":"verify-1.2.3"}'), [
      "192.0.2.1",
      "10.0.0.1",
    ]);
    assert.deepEqual(addressesIn('"GET / HTTP/1.1" 404 ::ffff:192.0.2.9 2001:db8::7 -'), ["192.0.2.9", "2001:db8::7"]);
  });
});
