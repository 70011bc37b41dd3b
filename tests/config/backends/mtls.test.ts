import assert from "node:assert/strict";
import { refuses as refusesConfig, stack } from "../../support/stacks";

/** Asserts that an mtls section has exactly one mistake, at a path, with a message. */
function refuses(mtls: unknown, path: string, reason: RegExp): void {
  refusesConfig({ mtls }, path, reason);
}

const exception = { name: "agents", namespace: "apps", matchLabels: { app: "vmagent" } };

describe("config/mtls", () => {
  it("is off by default", () => {
    assert.equal(stack().mtls, undefined);
  });

  it("fills in Istio's default root namespace", () => {
    assert.deepEqual(stack({ mtls: { strictNamespaces: ["apps"] } }).mtls, {
      wholeMesh: false,
      rootNamespace: "istio-system",
      strictNamespaces: ["apps"],
      exceptions: [],
    });
  });

  it("refuses a section that does nothing", () => {
    refuses({}, "mtls", /wholeMesh: true, or at least one entry in strictNamespaces/);
    refuses({ strictNamespaces: [] }, "mtls", /wholeMesh: true, or at least one entry in strictNamespaces/);
  });

  it("refuses the root namespace among the others, since it would apply to the whole mesh", () => {
    const strictNamespaces = ["apps", "istio-system"];
    refuses({ strictNamespaces }, "mtls.strictNamespaces[1]", /"istio-system".*whole mesh/);
    refuses({ strictNamespaces: ["root"], rootNamespace: "root" }, "mtls.strictNamespaces[0]", /whole mesh/);
    assert.ok(stack({ mtls: { strictNamespaces, rootNamespace: "root" } }));
  });

  it("refuses invalid names, and duplicates", () => {
    refuses({ strictNamespaces: ["Apps"] }, "mtls.strictNamespaces[0]", /DNS label/);
    refuses({ strictNamespaces: ["apps", "apps"] }, "mtls.strictNamespaces", /each namespace once/);
    refuses({ strictNamespaces: ["apps"], mode: "STRICT" }, "mtls.mode", /expected one of the keys wholeMesh/);
  });

  it("refuses exceptions that are not needed, or that Istio ignores", () => {
    refuses(
      { strictNamespaces: ["other"], exceptions: [exception] },
      "mtls.exceptions[0].namespace",
      /accepted anyway/,
    );
    const inRoot = [{ ...exception, namespace: "istio-system" }];
    refuses({ wholeMesh: true, exceptions: inRoot }, "mtls.exceptions[0].namespace", /are ignored/);
    assert.ok(stack({ mtls: { wholeMesh: true, exceptions: [exception] } }));
  });

  it("refuses exceptions that would hide one another", () => {
    const twice = (more: object) => ({
      strictNamespaces: ["apps"],
      exceptions: [exception, { ...exception, ...more }],
    });
    refuses(twice({ name: "more" }), "mtls.exceptions[1].matchLabels", /one policy per workload/);
    refuses(twice({ matchLabels: { app: "other" } }), "mtls.exceptions[1].name", /exceptions\[0\]/);
  });

  it("refuses invalid labels and ports", () => {
    const one = (more: object) => ({ strictNamespaces: ["apps"], exceptions: [{ ...exception, ...more }] });
    refuses(one({ matchLabels: {} }), "mtls.exceptions[0].matchLabels", /at least one label/);
    refuses(one({ matchLabels: { app: "a b" } }), "mtls.exceptions[0].matchLabels.app", /label's value/);
    refuses(one({ ports: [] }), "mtls.exceptions[0].ports", /at least one port/);
    refuses(one({ ports: [70000] }), "mtls.exceptions[0].ports[0]", /from 1 to 65535/);
  });
});

describe("config/mtls, names of exceptions", () => {
  it("refuses that of a strict namespace, whose policy is a resource with that name too", () => {
    const exceptions = [{ ...exception, name: "apps" }];
    refuses({ strictNamespaces: ["apps"], exceptions }, "mtls.exceptions[0].name", /no strict namespace has/);
    const root = [{ ...exception, name: "istio-system" }];
    refuses({ wholeMesh: true, exceptions: root }, "mtls.exceptions[0].name", /no strict namespace has/);
  });
});
