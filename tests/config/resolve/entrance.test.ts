import assert from "node:assert/strict";
import { admits, isOpenToAll } from "../../../config/resolve/entrance";
import { stack } from "../../support/stacks";

describe("config/resolve/entrance", () => {
  const wants = (access: object | undefined, from?: string) => {
    const gateway = { clientAddress: { trustedProxies: 0 } };
    const [service] = stack({ gateway, services: [{ name: "web", namespace: "apps", access }] }).services;
    assert.ok(service);
    return admits(service.access, from);
  };

  it("knows who the address lists let in, if it knows the client's address", () => {
    const inside = "192.168.1.10";
    const outside = "203.0.113.10";
    const allow = { allow: ["192.168.0.0/16"] };
    const deny = { deny: ["203.0.113.0/24"] };
    assert.deepEqual([wants(allow, inside), wants(allow, outside), wants(allow)], ["admitted", "refused", "unknown"]);
    assert.deepEqual([wants(deny, inside), wants(deny, outside), wants(deny)], ["admitted", "refused", "unknown"]);
    assert.deepEqual([wants(undefined), wants(undefined, outside)], ["admitted", "admitted"]);
  });

  it("knows that a client without a token is refused if one is required", () => {
    const jwt = { issuer: "https://login.test", jwksUri: "https://login.test/keys", audiences: ["web"] };
    assert.equal(wants({ jwt }), "refused");
    assert.equal(wants({ externalAuthorization: { provider: "authorizer" } }, "192.168.1.10"), "unknown");
  });

  it("counts as open if only single addresses are denied", () => {
    assert.deepEqual(
      [undefined, { public: true as const }, { deny: ["203.0.113.0/24"] }, { allow: ["10.0.0.0/8"] }].map(isOpenToAll),
      [true, true, true, false],
    );
  });
});
