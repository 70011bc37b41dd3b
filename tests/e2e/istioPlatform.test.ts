import assert from "node:assert/strict";
import { parse } from "yaml";
import { istiodValues } from "../../istio/istioPlatform";
import { theLab } from "./support/lab";

/** The lab's own Istio: its first start ran `pulumi up` in istio/, with the charts of Istio's module. */
describe("the stack of istio/", () => {
  const platform = (...args: string[]) => theLab().istioPlatform([...args, "--non-interactive"]);

  it("installed Istio by its charts, with the documented providers", async () => {
    const releases = JSON.parse(await theLab().output(["helm", "list", "-A", "-o", "json"])) as Record<
      string,
      string
    >[];
    assert.deepEqual(
      releases.map(({ name, namespace, status }) => [name, namespace, status]),
      [
        ["istio-base", "istio-system", "deployed"],
        ["istiod", "istio-system", "deployed"],
      ],
    );
    const get = ["get", "configmap", "istio", "-n", "istio-system", "-o", "jsonpath={.data.mesh}"];
    const { extensionProviders } = parse(await theLab().kubectl(get)) as { extensionProviders: { name: string }[] };
    const { meshConfig } = istiodValues() as { meshConfig: { extensionProviders: { name: string }[] } };
    const names = new Set(extensionProviders.map(({ name }) => name));
    assert.deepEqual(
      meshConfig.extensionProviders.filter(({ name }) => !names.has(name)),
      [],
    );
  });

  it("has nothing left to change", async () => {
    const { code, stdout, stderr } = await platform("preview", "--refresh", "--expect-no-changes");
    assert.equal(code, 0, stdout + stderr);
  });

  it("protects the CRDs", async () => {
    const { code, stdout, stderr } = await platform("destroy", "--preview-only");
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /protect/);
  });

  it("reports the CRDs that the gateway's stack asks for", async () => {
    const { stdout } = await platform("stack", "output", "--json");
    const { gatewayApi, istioVersion } = JSON.parse(stdout) as { gatewayApi: object; istioVersion: string };
    const bundle = String.raw`{.metadata.annotations.gateway\.networking\.k8s\.io/bundle-version}`;
    const crd = ["get", "crd", "gateways.gateway.networking.k8s.io", "-o", `jsonpath=${bundle}`];
    assert.deepEqual(gatewayApi, { channel: "experimental", version: await theLab().kubectl(crd) });
    assert.equal(istioVersion, `${theLab().tools.istio}.0`);
  });
});
