import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Ajv from "ajv";
import { parse } from "yaml";
import { serviceFileSchema, stackFileSchema } from "../../../config/schema/jsonSchema";
import { givenConfig } from "../../../config/load/pulumiConfig";
import { PROJECT } from "../../../config/values/project";
import { environmentsOf, loadStackFile, readStackFile } from "../../../config/load/stackFile";

const ROOT = join(__dirname, "..", "..", "..");

describe("config/stackFile", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "stack-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (text: string) => {
    const path = join(folder, "Pulumi.test.yaml");
    writeFileSync(path, text);
    return path;
  };

  it("uses the namespace of the project's config", () => {
    const project = parse(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8")) as { name: string };
    assert.equal(project.name, PROJECT);
  });

  for (const stack of ["dev", "prod"]) {
    it(`reads the ${stack} stack`, () => {
      assert.ok(loadStackFile(join(ROOT, `Pulumi.${stack}.yaml`)).services.length >= 3);
    });

    it(`the committed JSON Schema accepts the ${stack} stack`, () => {
      const schema = JSON.parse(readFileSync(join(ROOT, "pulumi-stack.schema.json"), "utf8")) as object;
      const validate = new Ajv({ strict: false }).compile(schema);
      const file = parse(readFileSync(join(ROOT, `Pulumi.${stack}.yaml`), "utf8")) as unknown;
      assert.ok(validate(file), JSON.stringify(validate.errors));
    });
  }

  it("the committed JSON Schema matches the config", () => {
    const committed = JSON.parse(readFileSync(join(ROOT, "pulumi-stack.schema.json"), "utf8")) as unknown;
    assert.deepEqual(committed, JSON.parse(JSON.stringify(stackFileSchema())), "run npm run generate");
  });

  it("the committed JSON Schema of service files matches the config", () => {
    const committed = JSON.parse(readFileSync(join(ROOT, "services.schema.json"), "utf8")) as unknown;
    assert.deepEqual(committed, JSON.parse(JSON.stringify(serviceFileSchema())), "run npm run generate");
  });

  it("the JSON Schema refuses an unknown key, and accepts a secret where one is allowed", () => {
    const validate = new Ajv({ strict: false }).compile(stackFileSchema());
    const config = (more: object) => ({
      config: { "istio-gateway:domain": "a.b", "istio-gateway:services": [{ name: "a", namespace: "b", ...more }] },
    });
    assert.ok(validate(config({ paths: ["/a", { path: "/b" }] })), JSON.stringify(validate.errors));
    assert.ok(!validate(config({ prot: 1 })));
    const kubernetes = { "istio-gateway:kubernetes": { kubeconfig: { secure: "v1:x" } } };
    assert.ok(validate({ config: { ...config({}).config, ...kubernetes } }), JSON.stringify(validate.errors));
  });

  it("marks encrypted values, and ignores other namespaces' keys", () => {
    const path = write(
      "config:\n  istio-gateway:domain: a.b\n  istio-gateway:kubernetes:\n    kubeconfig:\n      secure: v1:x\n  aws:region: x\n",
    );
    const given = readStackFile(path);
    assert.deepEqual(given.values, { domain: "a.b", kubernetes: { kubeconfig: "[sealed]" } });
    assert.deepEqual([...given.secretKeys], ["kubernetes"]);
  });

  it("reads true as `pulumi config set` writes it", () => {
    const path = write('config:\n  istio-gateway:domain: "1.example"\n  istio-gateway:protect: "true"\n');
    assert.deepEqual(readStackFile(path).values, { domain: "1.example", protect: true });
  });

  it("says in one line what it cannot read", () => {
    assert.throws(
      () => loadStackFile(write("config: [")),
      /^Error: cannot read the stack file Pulumi\.test\.yaml: [^\n]+$/,
    );
    assert.throws(() => loadStackFile(join(folder, "Pulumi.none.yaml")), /cannot read the stack file/);
  });

  it("uses the project's config for keys that the stack does not set", () => {
    const project =
      "name: p\nconfig:\n  istio-gateway:protect: { value: true }\n  defaults: { default: { timeouts: { request: 7s } } }\n";
    writeFileSync(join(folder, "Pulumi.yaml"), project);
    const services = "  istio-gateway:services: [{ name: a, namespace: b }]\n";
    const load = (more = "") => loadStackFile(write(`config:\n  istio-gateway:domain: a.b\n${services}${more}`));
    assert.equal(load().protect, true);
    assert.equal(load().services[0]?.rules[0]?.timeouts.request, "7s");
    assert.equal(load("  istio-gateway:protect: false\n").protect, false);
  });

  const MINIMAL = "config:\n  domain: a.b\n  services: [{ name: a, namespace: b }]\n";
  const mistakes = (text: string): string[] => {
    try {
      loadStackFile(write(text));
    } catch (error) {
      return (error as Error).message.split("\n").slice(1);
    }
    return [];
  };

  it("refuses once what could be read in two ways, with its key path", () => {
    const services =
      "  services:\n    - { name: a, namespace: b, port: 0b11, requestHeaders: { set: { x-version: 2022-11-28 } } }\n";
    assert.deepEqual(mistakes(`x: &x 010\nconfig:\n  domain: a.b\n  protect: *x\n  aws:y: 010\n${services}`), [
      '  istio-gateway:services[0].port (a): "0b11", expected a text or a decimal number: put it in quotes if it is a text, since it is read as a number too',
      '  istio-gateway:services[0].requestHeaders.set.x-version (a): "2022-11-28", expected a text: put it in quotes, or Pulumi makes a date and a time of it',
      '  istio-gateway:protect: "010", expected a text or a decimal number: put it in quotes if it is a text, since it is read as a number too',
    ]);
    writeFileSync(
      join(folder, "Pulumi.yaml"),
      "name: p\nconfig:\n  defaults: { default: { timeouts: { request: 010 } } }\n",
    );
    assert.match(
      mistakes(MINIMAL).join(),
      /^ {2}istio-gateway:defaults\.timeouts\.request: "010", .*, in Pulumi\.yaml$/,
    );
    assert.deepEqual(mistakes(`${MINIMAL}  defaults: {}\n`), []);
  });

  it("refuses a date that Pulumi has read already", () => {
    const { problems } = givenConfig(
      PROJECT,
      { "istio-gateway:services": '[{"a": "2022-11-28 00:00:00 +0000 UTC"}, "2022-11-28 00:00"]' },
      ".",
    );
    const expected = "the date as a text: put it in quotes";
    assert.deepEqual(problems, [{ path: "services[0].a", value: "2022-11-28 00:00:00 +0000 UTC", expected }]);
  });

  it("reads the keys of config as Pulumi does", () => {
    const given = readStackFile(
      write("config:\n  istio-gateway:config:domain: 1.50\n  protect:\n  services: { secure: 5 }\n"),
    );
    assert.deepEqual(given.values, { domain: "1.5", protect: "", services: { secure: 5 } });
    assert.deepEqual([...given.secretKeys], []);
    const fails = (text: string, message: RegExp) => assert.throws(() => readStackFile(write(text)), message);
    fails(
      "config:\n  domain: a\n  istio-gateway:domain: b\n",
      /config has the key domain twice, once as istio-gateway:domain/,
    );
    fails("config:\n  a:b:c: a\n", /the key a:b:c of config is not of the form NAMESPACE:NAME/);
    fails("config: []\n", /config is not a map/);
    fails("- a\n", /the file is not a map/);
    fails("config: !!map {}\n", /"tag:yaml\.org,2002:map", expected no tag/);
  });

  it("does not call missing what an environment of Pulumi ESC may set", () => {
    const missing = (environment: string) => mistakes(`environment: ${environment}\nconfig: {}\n`)[0];
    const unread = (name: string) =>
      `  istio-gateway:domain: not set in the stack file, but perhaps in the environment ${name}, which only Pulumi can read, expected a domain such as example.com, or a list in domains`;
    assert.equal(missing("[acme/dev, common]"), unread("acme/dev, common"));
    assert.equal(missing("{ imports: [acme/dev, { common: { merge: false } }] }"), unread("acme/dev, common"));
    assert.equal(missing("{ values: { pulumiConfig: { a: b } } }"), unread("defined in the file"));
    assert.equal(
      missing("[]"),
      "  istio-gateway:domain: not set, expected a domain such as example.com, or a list in domains",
    );
    assert.deepEqual(environmentsOf(write(`environment: [dev]\n${MINIMAL}`)), ["dev"]);
    assert.deepEqual(environmentsOf(write(MINIMAL)), []);
  });

  it("reads the same from Pulumi's own map", () => {
    const given = givenConfig(
      PROJECT,
      {
        "istio-gateway:domain": "1.example",
        "istio-gateway:protect": "true",
        "istio-gateway:services": '[{"name":"a"}]',
        "istio-gateway:gateway": "{broken",
        "other:domain": "x",
      },
      ".",
    );
    assert.deepEqual(given.values, {
      domain: "1.example",
      protect: true,
      services: [{ name: "a" }],
      gateway: "{broken",
    });
  });
});
