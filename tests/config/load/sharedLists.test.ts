import assert from "node:assert/strict";
import { mistakes, stack } from "../../support/stacks";

const LIST = [
  { name: "both", namespace: "apps" },
  { name: "inside", namespace: "apps", gateways: ["internal"] },
  { name: "named", namespace: "apps", gateways: ["internal", "external"] },
  { name: "outside", namespace: "apps", gateways: ["external"], retry: { attempts: 1 } },
];

const names = (group: string) => stack({ gateway: { group }, services: LIST }).services.map(({ host }) => host);

describe("config/load, a list that gateways share", () => {
  it("is served as far as services name the gateway's group, or none", () => {
    const hosts = (...all: string[]) => all.map((name) => `${name}.example.test`);
    assert.deepEqual(names("internal"), hosts("both", "inside", "named"));
    assert.deepEqual(names("external"), hosts("both", "named", "outside"));
  });

  it("has the places of the whole list in what the cluster lacks", () => {
    const { fieldUses } = stack({ gateway: { group: "external" }, services: LIST });
    assert.deepEqual(
      fieldUses.map(({ path }) => path),
      ["services[3].retry"],
    );
  });

  it("keeps rules apart: what another gateway serves is no second claim here", () => {
    const rival = { name: "rival", namespace: "apps", host: "inside.example.test", gateways: ["external"] };
    assert.deepEqual(mistakes({ gateway: { group: "internal" }, services: [...LIST, rival] }), []);
  });

  it("is refused where nothing says which gateway it is, or if nothing is left", () => {
    const [first, ...more] = mistakes({ services: LIST.slice(0, 2) });
    assert.deepEqual(more, []);
    assert.match(first ?? "", /services\[1\]\.gateways: \["internal"\], expected gateway\.group in the stack too/);
    const [none, ...others] = mistakes({ gateway: { group: "edge" }, services: LIST.slice(1) });
    assert.deepEqual(others, []);
    assert.match(none ?? "", /gateway\.group: "edge", expected the group of at least one service/);
  });
});
