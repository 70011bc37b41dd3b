import assert from "node:assert/strict";
import { join } from "node:path";
import { REPOSITORY } from "../../lab/paths";
import { ISTIO_VERSIONS } from "../../lab/tools/catalogue";
import { moduleVersion } from "../../lab/tools/module";
import { theLab } from "./support/lab";

/** tests/versions.test.ts compares what README.md says was tested with the same sources. */
describe("the lab's versions", () => {
  const release = () => ISTIO_VERSIONS[theLab().tools.istio];

  it("include the Gateway API that its Istio requires", async () => {
    const bundle = String.raw`{.metadata.annotations.gateway\.networking\.k8s\.io/bundle-version}`;
    const name = "gateways.gateway.networking.k8s.io";
    const installed = await theLab().kubectl(["get", "crd", name, "-o", `jsonpath=${bundle}`]);
    const { name: folder } = release().set;
    assert.equal(installed, moduleVersion("sigs.k8s.io/gateway-api", join(REPOSITORY, "lab", "tools", folder)));
  });

  it("include the Envoy from which its Istio builds a proxy", async () => {
    const [minor = ""] = /\d+\.\d+/.exec(release().envoy) ?? [];
    // Istio's own build has another patch version.
    assert.match(await theLab().output([theLab().tools.programs.envoy, "--version"]), new RegExp(`/${minor}\\.`));
  });
});
