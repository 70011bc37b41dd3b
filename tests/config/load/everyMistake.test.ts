import assert from "node:assert/strict";
import { pathRuleSchema } from "../../../config/schema/path";
import { serviceSchema } from "../../../config/schema/service";
import { mistakes } from "../../support/stacks";

/** Wrong for every key of a service and of a path. */
const GARBAGE = { "not a key": [] };

const OUTSIDE = /^istio-gateway:services\[0\]\.host: "web\.elsewhere\.test", expected a name exactly one label below/;

/** Keys that say which hosts there are, and what covers them: without them, that is not known. */
const COVERING = ["host", "hosts", "certificate"];

describe("config/load, every mistake at once", () => {
  for (const key of Object.keys(serviceSchema.shape).filter((name) => !COVERING.includes(name))) {
    it(`reports a host outside the domain despite a wrong ${key}, and nothing else`, () => {
      const service = { name: "web", namespace: "apps", host: "web.elsewhere.test", [key]: GARBAGE };
      const found = mistakes({ services: [service] });
      assert.equal(found.filter((line) => OUTSIDE.test(line)).length, 1, found.join("\n"));
      const others = found.filter((line) => !OUTSIDE.test(line));
      assert.ok(others.length > 0);
      assert.deepEqual(
        others.filter((line) => !line.startsWith(`istio-gateway:services[0].${key}`)),
        [],
      );
    });
  }

  for (const key of Object.keys(pathRuleSchema.shape).filter((name) => name !== "name")) {
    it(`reports two paths with the same name despite a wrong ${key} of a third`, () => {
      const paths = [
        { path: "/a", name: "same" },
        { path: "/b", name: "same" },
        { path: "/c", name: "other", [key]: GARBAGE },
      ];
      const found = mistakes({ services: [{ name: "web", namespace: "apps", paths }] });
      const wrong = found.filter((line) => line.startsWith(`istio-gateway:services[0].paths[2]`));
      assert.ok(wrong.length > 0, found.join("\n"));
      assert.deepEqual(
        found.filter((line) => !wrong.includes(line)),
        ['istio-gateway:services[0].paths[1].name: "same", expected a name other than that of services[0].paths[0]'],
      );
    });
  }

  it("checks other services against a partly wrong one", () => {
    const found = mistakes({
      services: [
        { name: "web", namespace: "apps", host: "one.example.test", rateLimit: "much" },
        { name: "api", namespace: "apps", host: "one.example.test" },
      ],
    });
    assert.equal(found.length, 2, found.join("\n"));
    assert.match(
      found[1] ?? "",
      /^istio-gateway:services\[1\]\.paths\[0\]\.path: "\/", expected a host and path that services\[0\]/,
    );
  });
});
