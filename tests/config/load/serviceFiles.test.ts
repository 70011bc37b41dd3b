import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ConfigError } from "../../../config/values/problem";
import { loadConfig } from "../../../config/load/load";
import type { StackConfig } from "../../../config/resolve/model";

describe("config/serviceFiles", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "services-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const load = (values: Record<string, unknown>): StackConfig =>
    loadConfig({
      project: "istio-gateway",
      folder,
      values: { domain: "example.com", ...values },
      secretKeys: new Set(),
    });
  const mistakes = (values: Record<string, unknown>): string[] => {
    try {
      load(values);
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      return error.message.split("\n").slice(1);
    }
    return [];
  };
  const OWN = { name: "own", namespace: "apps" };

  it("adds the services of each file, in order, to those of the stack file", () => {
    write("services/a.yaml", "- { name: a1, namespace: a }\n- { name: a2, namespace: a }\n");
    write("services/b.yaml", "- { name: b1, namespace: b }\n");
    const serviceFiles = ["services/b.yaml", "services/a.yaml"];
    const names = (values: Record<string, unknown>) => load(values).services.map(({ name }) => name);
    assert.deepEqual(names({ services: [OWN], serviceFiles }), ["own", "b1", "a1", "a2"]);
    assert.deepEqual(names({ serviceFiles }), ["b1", "a1", "a2"]);
  });

  it("locates a mistake in its file, even one that concerns two", () => {
    write("services/a.yaml", "- { name: a1, namespace: a, prot: 1 }\n- { name: own, namespace: a }\n");
    const found = mistakes({ services: [OWN], serviceFiles: ["services/a.yaml"] });
    assert.equal(found[0], "  services/a.yaml[0].prot (a1): 1, expected the key port: there is no prot");
    assert.match(found.slice(1).join("\n"), /^ {2}services\/a\.yaml\[1\]\.name: "own", expected .*services\[0\]/m);
    assert.doesNotMatch(found.join("\n"), /services\[[12]\]/);
  });

  it("locates what the cluster's CRDs would drop in its file", () => {
    write("a.yaml", "- { name: a1, namespace: a, retry: { attempts: 1 } }\n");
    const { fieldUses } = load({ services: [OWN], serviceFiles: ["a.yaml"] });
    assert.deepEqual(
      fieldUses.map(({ path }) => path),
      ["a.yaml[0].retry"],
    );
  });

  it("reports files that are missing, not a list or not YAML, all at once", () => {
    write("map.yaml", "name: a\n");
    write("broken.yaml", "- [\n");
    const found = mistakes({ services: [OWN], serviceFiles: ["gone.yaml", "map.yaml", "broken.yaml"] });
    const expected = "expected a YAML file with a list of services";
    assert.equal(found.length, 3);
    assert.equal(found[0], `  istio-gateway:serviceFiles[0]: "gone.yaml", ${expected}: there is no such file`);
    assert.equal(found[1], `  istio-gateway:serviceFiles[1]: "map.yaml", ${expected}: it is not a list`);
    assert.match(found[2] ?? "", /^ {2}istio-gateway:serviceFiles\[2\]: "broken\.yaml", expected a YAML file .*: .+/);
  });

  it("locates what could be read in two ways in its file", () => {
    write("a.yaml", "- { name: a1, namespace: a, requestHeaders: { set: { x-on: on, x-api: 2022-11-28 } } }\n");
    assert.deepEqual(mistakes({ services: [OWN], serviceFiles: ["a.yaml"] }), [
      '  a.yaml[0].requestHeaders.set.x-api (a1): "2022-11-28", expected a text: put it in quotes, or Pulumi makes a date and a time of it',
    ]);
  });

  it("takes an anchor that every service uses, and merges", () => {
    const blocks = Array.from({ length: 200 }, (_, index) => `10.0.${index}.0/24`);
    const uses = Array.from({ length: 200 }, (_, index) => `- { name: s${index}, <<: *base }\n`);
    write("a.yaml", `- &base { name: s, namespace: a, access: { allow: [${blocks.join(", ")}] } }\n${uses.join("")}`);
    const gateway = { clientAddress: { trustedProxies: 0 } };
    const { services } = load({ serviceFiles: ["a.yaml"], gateway });
    assert.deepEqual([services.length, services[200]?.name], [201, "s199"]);
  });

  it("refuses a stack without services in any file", () => {
    write("empty.yaml", "[]\n");
    assert.deepEqual(mistakes({ serviceFiles: ["empty.yaml"] }), [
      "  istio-gateway:services: [], expected at least one service, here or in one of serviceFiles",
    ]);
  });

  for (const path of ["/etc/passwd.yaml", "../a.yaml", "a/../../b.yaml", "./a.yaml", "a.json", ""]) {
    it(`refuses the path ${JSON.stringify(path)}`, () => {
      const found = mistakes({ services: [OWN], serviceFiles: [path] });
      assert.equal(found.length, 1);
      assert.match(
        found[0] ?? "",
        /serviceFiles\[0\]: ".*", expected a path of a \.yaml file below the project's folder/,
      );
    });
  }

  it("refuses the same path twice", () => {
    write("a.yaml", "- { name: a1, namespace: a }\n");
    assert.match(mistakes({ serviceFiles: ["a.yaml", "a.yaml"] }).join(), /serviceFiles: .*expected each path once/);
  });
});
