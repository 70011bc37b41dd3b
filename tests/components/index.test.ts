import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { createSourceFile, isInterfaceDeclaration, isPropertySignature, type Node, ScriptTarget } from "typescript";
import * as components from "../../components";
import { EXAMPLES, exampleSource, runExample } from "../support/examples";
import { testAuthority } from "../support/certificates";
import { only, register } from "../support/deployment";
import { schemaErrors } from "../support/schemas";

const ROOT = join(__dirname, "..", "..");

/** What a program can create with `new`, by name. */
const CLASSES = Object.entries(components)
  .filter(([, value]) => typeof value === "function" && value.prototype instanceof pulumi.Resource)
  .map(([name]) => name);

/** Parts of a part. */
const INNER = ["RateLimitRedis"];

const sources = readdirSync(join(ROOT, "components"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => ({ path, text: readFileSync(join(ROOT, "components", path), "utf8") }));

describe("components", () => {
  it("exports every component that works on its own", () => {
    const all = sources.flatMap(({ text }) =>
      [...text.matchAll(/^export class (\w+) extends/gm)].map(([, name = ""]) => name),
    );
    assert.deepEqual(all.filter((name) => !INNER.includes(name)).sort(), [...CLASSES].sort());
  });

  it("has a row in docs/components.md for every export", () => {
    const page = readFileSync(join(ROOT, "docs", "components.md"), "utf8");
    const missing = Object.keys(components).filter((name) => !new RegExp(`^\\| .*\`${name}\\b`, "m").test(page));
    assert.deepEqual(missing, []);
  });

  it("has an example of every export that creates or checks something", () => {
    const programs = EXAMPLES.map(exampleSource).join("\n");
    const missing = Object.keys(components)
      .filter((name) => name !== "ENVOY_FILTERS")
      .filter((name) => !new RegExp(`\\b${name}\\(`).test(programs));
    assert.deepEqual(missing, []);
  });

  it("documents every class, and every field of its Args", () => {
    const undocumented = sources.flatMap(({ path, text }) => {
      const file = createSourceFile(path, text, ScriptTarget.Latest, true);
      const isDocumented = (node: Node) => node.getFullText().trimStart().startsWith("/**");
      return file.statements.flatMap((statement) => {
        if (isInterfaceDeclaration(statement) && CLASSES.includes(statement.name.text.replace(/Args$/, ""))) {
          return statement.members
            .filter((member) => isPropertySignature(member) && !isDocumented(member))
            .map((member) => `${path}: ${statement.name.text}.${member.name?.getText() ?? ""}`);
        }
        const [, name = ""] = /^export class (\w+)/.exec(statement.getText()) ?? [];
        return CLASSES.includes(name) && !isDocumented(statement) ? [`${path}: ${name}`] : [];
      });
    });
    assert.deepEqual(undocumented, []);
  });

  describe("examples", () => {
    const ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute";

    it("another-program creates the whole gateway next to its own objects", async () => {
      const resources = await register(() => runExample("another-program"));
      only(resources, ROUTE, "gateway-shop");
      only(resources, "kubernetes:core/v1:ConfigMap", "shop-url");
      assert.deepEqual(schemaErrors("standard", resources), []);
    });

    it("parts gets the domain from a stack, and the CA from a Secret", async () => {
      const { certificatePem, privateKeyPem } = await testAuthority(365);
      const base64 = (text: string) => Buffer.from(text).toString("base64");
      pulumi.runtime.setAllConfig({ "istio-gateway:platform": "organization/team-platform/example" });
      const resources = await register(() => (runExample("parts") as () => Promise<unknown>)(), {
        "pulumi:pulumi:StackReference": { outputs: { domain: "team.example.com" }, secretOutputNames: [] },
        "kubernetes:core/v1:Secret": {
          data: { "tls.crt": base64(certificatePem), "tls.key": base64(privateKeyPem) },
        },
        "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": {
          metadata: {
            annotations: {
              "gateway.networking.k8s.io/channel": "standard",
              "gateway.networking.k8s.io/bundle-version": "v1.6.0",
            },
          },
        },
      }).finally(() => pulumi.runtime.setAllConfig({}));
      const { spec } = only(resources, ROUTE, "internal-wiki").inputs as { spec: { hostnames: string[] } };
      assert.deepEqual(spec.hostnames, ["wiki.team.example.com"]);
      const signed = only(resources, "tls:index/locallySignedCert:LocallySignedCert");
      assert.equal(signed.inputs.caCertPem, certificatePem);
    });

    it("existing-gateway creates no Gateway and no certificate", async () => {
      const resources = await register(() => runExample("existing-gateway"));
      assert.ok(!resources.some(({ type }) => type.endsWith(":Gateway") || type.startsWith("tls:")));
      only(resources, ROUTE, "shop-shop");
      only(resources, "kubernetes:networking.istio.io/v1alpha3:EnvoyFilter", "shop-server-name");
      assert.deepEqual(schemaErrors("standard", resources), []);
    });
  });
});
