import assert from "node:assert/strict";
import { admission } from "../../verify/expectations";
import { stack } from "../support/stacks";

describe("verify/expectations", () => {
  const wants = (access: object | undefined, from?: string) => {
    const gateway = { clientAddress: { trustedProxies: 0 } };
    const [service] = stack({ gateway, services: [{ name: "web", namespace: "apps", access }] }).services;
    assert.ok(service);
    return admission(service, from);
  };

  it("knows whom the lists of addresses let in, where it knows the client's own", () => {
    const inside = "192.168.1.10";
    const outside = "203.0.113.10";
    const allow = { allow: ["192.168.0.0/16"] };
    const deny = { deny: ["203.0.113.0/24"] };
    assert.deepEqual([wants(allow, inside), wants(allow, outside), wants(allow)], ["admitted", "refused", "unknown"]);
    assert.deepEqual([wants(deny, inside), wants(deny, outside), wants(deny)], ["admitted", "refused", "unknown"]);
    assert.deepEqual([wants(undefined), wants(undefined, outside)], ["admitted", "admitted"]);
  });

  it("knows that a client without a token is refused where one is asked for", () => {
    const jwt = { issuer: "https://login.test", jwksUri: "https://login.test/keys", audiences: ["web"] };
    assert.equal(wants({ jwt }), "refused");
    assert.equal(wants({ externalAuthorization: { provider: "authorizer" } }, "192.168.1.10"), "unknown");
  });
});
