import assert from "node:assert/strict";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { clientsOf, ruleFor } from "../../lab/expectations";
import { stack } from "../support/stacks";

describe("lab/expectations", () => {
  it("finds the rule that Envoy would match", () => {
    const paths = ["/", "/api", { path: "/api/v1", type: "Exact" }];
    const [service] = stack({ services: [{ name: "web", namespace: "apps", paths }] }).services;
    assert.ok(service);
    const name = (path: string) => ruleFor(service, path)?.name;
    assert.deepEqual(["/", "/apis", "/api", "/api/x", "/api/v1"].map(name), [
      "web--root",
      "web--root",
      "web--api",
      "web--api",
      "web--api-v1",
    ]);
  });

  it("knows which of the lab's clients may enter", () => {
    assert.deepEqual(clientsOf({ access: undefined }), { admitted: [CLIENT_INSIDE, CLIENT_OUTSIDE], refused: [] });
    const only = { admitted: [CLIENT_INSIDE], refused: [CLIENT_OUTSIDE] };
    assert.deepEqual(clientsOf({ access: { allow: ["192.168.0.0/16"] } }), only);
    assert.deepEqual(clientsOf({ access: { deny: [CLIENT_OUTSIDE] } }), only);
    const nobody = { allow: ["192.168.0.0/16"], deny: ["192.168.1.0/24"] };
    assert.deepEqual(clientsOf({ access: nobody }).admitted, []);
  });
});

describe("lab/expectations, matches", () => {
  it("skips rules that a plain GET does not match", () => {
    const paths = ["/", { path: "/", name: "post", match: { method: "POST" } }];
    const canary = { service: "next", percent: 10, override: { headers: { "x-canary": "true" } } };
    const [service] = stack({ services: [{ name: "web", namespace: "apps", paths, canary }] }).services;
    assert.ok(service);
    assert.equal(ruleFor(service, "/")?.name, "web--root");
  });
});
