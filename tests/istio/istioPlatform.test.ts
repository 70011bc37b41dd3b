import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { istioPlatform } from "../../istio/istioPlatform";
import { checkedPlatform } from "../../istio/platformConfig";
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
      () => checkedPlatform({ istioVersion: "latest", gatewayApi: { channel: "beta", version: "1.6" } }),
      (error: Error) => {
        assert.match(error.message, /^stack config has 3 mistakes, nothing was changed:/);
        assert.match(
          error.message,
          /istio-platform:istioVersion: "latest", expected a release of Istio such as 1\.30\.2/,
        );
        assert.match(error.message, /istio-platform:gatewayApi\.channel: "beta", expected standard or experimental/);
        return true;
      },
    );
  });
});
