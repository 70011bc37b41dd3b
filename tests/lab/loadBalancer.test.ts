import assert from "node:assert/strict";
import { addressesFor, ruleset } from "../../lab/node/loadBalancer";
import type { Service } from "../../lab/node/objects";

const service = (uid: string, asks?: string, has?: string): Service => ({
  metadata: { name: uid, namespace: "apps", uid },
  spec: { type: "LoadBalancer", loadBalancerIP: asks },
  status: has === undefined ? {} : { loadBalancer: { ingress: [{ ip: has }] } },
});
const addresses = (services: readonly Service[], given: Record<string, string> = {}) => {
  const before = Object.entries(given).map(([uid, address]) => [uid, address.split(",")] as const);
  const found = [...addressesFor(services, new Map(before))];
  return Object.fromEntries(found.map(([uid, list]) => [uid, list.join()]));
};

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

  it("gives what an annotation of MetalLB asks for, IPv4 first, and nothing if one of them is taken", () => {
    const asking = (uid: string, text: string): Service => ({
      ...service(uid),
      metadata: { ...service(uid).metadata, annotations: { "metallb.io/loadBalancerIPs": text } },
    });
    assert.deepEqual(addresses([asking("a", "2001:db8::1,192.168.51.7")]), { a: "192.168.51.7,2001:db8::1" });
    assert.deepEqual(addresses([service("b", "192.168.51.7"), asking("a", "192.168.51.7,2001:db8::1")]), {
      b: "192.168.51.7",
    });
    const given = { a: "192.168.51.7" };
    assert.deepEqual(addresses([asking("a", "192.168.51.8")], given), { a: "192.168.51.8" });
  });

  it("brings connections to the healthy nodes in turn, and nowhere without one", () => {
    const rules = ruleset(
      new Map([
        ["192.168.51.7", [1, 2]],
        ["192.168.51.8", [2]],
        ["192.168.51.9", []],
      ]),
    );
    assert.deepEqual(
      rules.split("\n").filter((line) => line.includes("numgen")),
      [
        "    ip daddr 192.168.51.7 ct mark 0 ct mark set numgen inc mod 2 map { 0 : 1, 1 : 2 }",
        "    ip daddr 192.168.51.8 ct mark 0 ct mark set numgen inc mod 1 map { 0 : 2 }",
      ],
    );
  });
});
