import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { istioPlatform } from "../../istio/istioPlatform";
import { checkedPlatform, platformConfig } from "../../istio/platformConfig";
import { only, register } from "../support/deployment";

const RELEASE = "kubernetes:helm.sh/v3:Release";
const VALUES = { istioVersion: "1.30.4", gatewayApi: { channel: "experimental", version: "v1.5.1" } };

describe("istio/istioPlatform", () => {
  it("installs pinned charts and CRDs, and istiod with the documented providers", async () => {
    const resources = await register(() => istioPlatform(checkedPlatform(VALUES)));
    for (const name of ["istio-base", "istiod"]) {
      const { inputs } = only(resources, RELEASE, name);
      assert.equal(inputs.version, VALUES.istioVersion);
      assert.equal(inputs.namespace, "istio-system");
      assert.deepEqual(inputs.repositoryOpts, { repo: "https://istio-release.storage.googleapis.com/charts" });
    }
    const { inputs } = only(resources, RELEASE, "istiod");
    const { meshConfig } = inputs.values as { meshConfig: { extensionProviders: { name: string }[] } };
    assert.ok(meshConfig.extensionProviders.some(({ name }) => name === "otel"));
  });

  it("updates the CRDs before istiod", async () => {
    const names = new Map<pulumi.Resource, string>();
    const dependencies = new Map<string, (string | undefined)[]>();
    const look: pulumi.ResourceTransformation = ({ resource, name, opts }) => {
      names.set(resource, name);
      dependencies.set(
        name,
        [opts.dependsOn ?? []].flat().map((one) => names.get(one as pulumi.Resource)),
      );
      return undefined;
    };
    const canary = { revision: "1-31-0", istioVersion: "1.31.0" };
    await register(() =>
      pulumi.runtime.runInPulumiStack(() => {
        pulumi.runtime.registerStackTransformation(look);
        return Promise.resolve(istioPlatform(checkedPlatform({ ...VALUES, canary })));
      }),
    );
    for (const name of ["istiod", "istiod-1-31-0"]) {
      assert.deepEqual(dependencies.get(name), ["gateway-api", "istio-base"]);
    }
  });

  it("installs charts and CRDs from a mirror, or from folders", async () => {
    const mirror = { charts: "oci://registry.example.test/istio", crds: "https://mirror.example.test/crds.yaml" };
    const mirrored = await register(() => istioPlatform(checkedPlatform({ ...VALUES, ...mirror })));
    const { inputs } = only(mirrored, RELEASE, "istiod");
    assert.deepEqual([inputs.chart, inputs.version], [`${mirror.charts}/istiod`, VALUES.istioVersion]);
    assert.equal(only(mirrored, "kubernetes:yaml/v2:ConfigFile", "gateway-api").inputs.file, mirror.crds);
    const local = await register(() => istioPlatform(checkedPlatform({ ...VALUES, charts: "/charts" })));
    const base = only(local, RELEASE, "istio-base").inputs;
    assert.deepEqual([base.chart, base.version, base.repositoryOpts], ["/charts/base", undefined, undefined]);
  });

  it("installs a canary beside istiod, with the CRDs of the newer release", async () => {
    const canary = { revision: "1-31-0", istioVersion: "1.31.0" };
    const resources = await register(() => istioPlatform(checkedPlatform({ ...VALUES, canary })));
    const version = (name: string) => only(resources, RELEASE, name).inputs.version;
    assert.deepEqual(["istio-base", "istiod", "istiod-1-31-0"].map(version), ["1.31.0", VALUES.istioVersion, "1.31.0"]);
    const values = (name: string) => only(resources, RELEASE, name).inputs.values as { revision?: string };
    assert.deepEqual([values("istiod").revision, values("istiod-1-31-0").revision], [undefined, "1-31-0"]);
  });

  it("merges values into those of the documented providers", async () => {
    const values = { meshConfig: { accessLogFile: "/dev/stdout" }, global: { tag: "1.30.4" } };
    const resources = await register(() => istioPlatform(checkedPlatform({ ...VALUES, values })));
    const { meshConfig, global } = only(resources, RELEASE, "istiod").inputs.values as {
      meshConfig: { accessLogFile: string; extensionProviders: object[] };
      global: object;
    };
    assert.equal(meshConfig.accessLogFile, "/dev/stdout");
    assert.notEqual(meshConfig.extensionProviders.length, 0);
    assert.deepEqual(global, values.global);
    const none = { meshConfig: { extensionProviders: [] } };
    const replaced = await register(() => istioPlatform(checkedPlatform({ ...VALUES, values: none })));
    assert.deepEqual(only(replaced, RELEASE, "istiod").inputs.values, none);
  });

  it("takes no Pulumi secret, which Helm's release would show, and shows none", () => {
    const project = pulumi.getProject();
    pulumi.runtime.setAllConfig({ [`${project}:values`]: '{"pullSecret":"m4rker"}' }, [`${project}:values`]);
    try {
      assert.throws(platformConfig, ({ message }: Error) => {
        assert.match(message, /istio-platform:values: \[hidden\], expected no Pulumi secret in it/);
        return !message.includes("m4rker");
      });
    } finally {
      pulumi.runtime.setAllConfig({});
    }
  });

  it("exports the CRDs' channel and version for the gateway's stack", () => {
    const file = readFileSync(join(__dirname, "..", "..", "istio", "Pulumi.dev.yaml"), "utf8");
    const { config } = parse(file) as { config: Record<string, unknown> };
    const values = Object.fromEntries(
      Object.entries(config).map(([key, value]) => [key.replace("istio-platform:", ""), value]),
    );
    assert.deepEqual(checkedPlatform(values).gatewayApi, VALUES.gatewayApi);
  });

  it("rejects an invalid version, and reports all mistakes at once", () => {
    assert.throws(
      () =>
        checkedPlatform({
          istioVersion: "latest",
          gatewayApi: { channel: "beta", version: "1.6" },
          charts: "",
          values: [],
          canary: { revision: "1.31", istioVersion: "1.31.0" },
        }),
      (error: Error) => {
        assert.match(error.message, /istio-platform:canary\.revision: "1\.31", expected /);
        assert.match(error.message, /^stack config has 6 mistakes, nothing was changed:/);
        assert.match(
          error.message,
          /istio-platform:istioVersion: "latest", expected a release of Istio such as 1\.30\.2/,
        );
        assert.match(error.message, /istio-platform:charts: "", expected the URL of a Helm repository, or a folder/);
        assert.match(error.message, /istio-platform:values: \[\], expected values of istiod's chart/);
        assert.match(error.message, /istio-platform:gatewayApi\.channel: "beta", expected standard or experimental/);
        return true;
      },
    );
  });
});
