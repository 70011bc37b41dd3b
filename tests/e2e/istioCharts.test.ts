import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { istiodValues } from "../../istio/istioPlatform";
import { ensureOptional } from "../../lab/tools";
import { theLab } from "./support/lab";

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

/** Istio's charts in the lab's version, with the values of istio/. Downloading and releasing them is Pulumi's part. */
describe("Istio's charts", () => {
  const folder = mkdtempSync(join(tmpdir(), "gateway-charts-"));
  let helm: string;
  let charts: string;
  before(async function () {
    // Helm is built on first use.
    this.timeout(20 * 60_000);
    helm = await ensureOptional("helm");
    charts = theLab().tools.istioCharts;
  });
  after(() => rmSync(folder, { recursive: true }));

  const rendered = async (name: string, path: string, values: object): Promise<string> => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(values));
    const options = ["--namespace", "istio-system", "--values", file];
    return theLab().output([helm, "template", name, join(charts, path), ...options]);
  };
  const istiod = () => rendered("istiod", join("istio-control", "istio-discovery"), istiodValues());

  it("give istiod the documented providers", async () => {
    const objects = parseAllDocuments(await istiod()).map((document) => document.toJS() as KubernetesObject | null);
    const mesh = objects.find((object) => object?.kind === "ConfigMap" && object.metadata.name === "istio")?.data?.mesh;
    const { extensionProviders } = parse(mesh ?? "") as { extensionProviders: unknown };
    const { meshConfig } = istiodValues();
    assert.deepEqual(extensionProviders, (meshConfig as { extensionProviders: unknown }).extensionProviders);
  });

  it("render objects that the API server accepts", async () => {
    for (const objects of [await rendered("istio-base", "base", {}), await istiod()]) {
      const dryRun = ["kubectl", "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"];
      await theLab().output(dryRun, { input: objects });
    }
  });
});
