import assert from "node:assert/strict";
import { addressesFor } from "../../lab/node/loadBalancer";
import type { Service } from "../../lab/node/objects";

const service = (uid: string, asks?: string, has?: string): Service => ({
  metadata: { name: uid, namespace: "apps", uid },
  spec: { type: "LoadBalancer", loadBalancerIP: asks },
  status: has === undefined ? {} : { loadBalancer: { ingress: [{ ip: has }] } },
});
const addresses = (services: readonly Service[], given: Record<string, string> = {}) =>
  Object.fromEntries(addressesFor(services, new Map(Object.entries(given))));

describe("lab/node/loadBalancer", () => {
  it("gives each Service an address of its own", () => {
    assert.deepEqual(addresses([service("a"), service("b", "192.168.51.7"), service("c")]), {
      a: "192.168.51.200",
      b: "192.168.51.7",
      c: "192.168.51.201",
    });
  });

  it("keeps an address that the API server does not show yet, also if a lower one becomes free", () => {
    const given = addresses([service("a"), service("b")]);
    assert.deepEqual(addresses([service("b")], given), { b: "192.168.51.201" });
    assert.deepEqual(addresses([service("b"), service("c")], given), { b: "192.168.51.201", c: "192.168.51.200" });
  });

  it("keeps the addresses of an earlier process", () => {
    assert.deepEqual(addresses([service("a"), service("b", undefined, "192.168.51.200")]), {
      a: "192.168.51.201",
      b: "192.168.51.200",
    });
  });

  it("follows a Service that asks for another address, and gives none that is taken", () => {
    const given = { a: "192.168.51.7" };
    assert.deepEqual(addresses([service("a", "192.168.51.8", "192.168.51.7")], given), { a: "192.168.51.8" });
    assert.deepEqual(addresses([service("a", "192.168.51.7"), service("b", "192.168.51.7")], given), given);
  });

  it("has no address for one Service more than there are addresses", () => {
    const many = Array.from({ length: 56 }, (_, index) => service(`s${index}`));
    const found = addresses(many);
    assert.equal(Object.keys(found).length, 55);
    assert.deepEqual([found.s54, found.s55], ["192.168.51.254", undefined]);
  });
});
