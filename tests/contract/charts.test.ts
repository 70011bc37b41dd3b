import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { namespace } from "./support/objects";
import type { Plugin, Properties } from "./support/plugin";
import { since, startPlugin, theCluster, theProviders } from "./support/suite";

const NAMESPACE = "charts";
const TEMPLATE = `apiVersion: v1
kind: ConfigMap
metadata: { name: from-chart, namespace: {{ .Release.Namespace }} }
data: { greeting: {{ .Values.greeting | quote }}, whom: {{ .Values.whom | toJson | quote }} }
`;

describe("kubernetes: charts", () => {
  let plugin: Plugin;
  const chart = mkdtempSync(join(tmpdir(), "gateway-chart-"));
  before(async () => {
    const { helm } = theProviders().tools.programs;
    const PATH = `${dirname(helm)}:${process.env.PATH ?? ""}`;
    plugin = await startPlugin("kubernetes", { kubeconfig: theCluster().kubeconfig }, { PATH });
    await namespace(NAMESPACE);
    mkdirSync(join(chart, "templates"));
    writeFileSync(join(chart, "Chart.yaml"), "apiVersion: v2\nname: greeter\nversion: 1.2.3\n");
    writeFileSync(join(chart, "values.yaml"), "greeting: none\nwhom: [everybody]\n");
    writeFileSync(join(chart, "templates", "config.yaml"), TEMPLATE);
  });
  after(() => {
    plugin.stop();
    rmSync(chart, { recursive: true });
  });

  const release = () => plugin.resource("helm.sh/v3:Release", "greeter");
  const inputs = (values: Properties) => ({ name: "greeter", namespace: NAMESPACE, chart, values, compat: "true" });
  const data = async () => (await theCluster().get("configmap", "from-chart", NAMESPACE))?.data;
  const greeting = async () => (await data())?.greeting;
  const statusOf = ({ outputs }: { outputs: Properties }) => outputs.status as Properties;

  it("are installed, upgraded and removed by Helm", async () => {
    const made = await release().create(inputs({ greeting: "hello" }));
    assert.equal(made.id, `${NAMESPACE}/greeter`);
    assert.equal(await greeting(), "hello");
    const { name, namespace: at, revision, status } = statusOf(made);
    assert.deepEqual([name, at, revision, status], ["greeter", NAMESPACE, 1, "deployed"]);
    assert.equal((await release().diff(made, inputs({ greeting: "hello" }))).changes, false);
    const { changes, replaces } = await release().diff(made, inputs({ greeting: "goodbye" }));
    assert.deepEqual([changes, replaces], [true, []]);
    const updated = await release().update(made, inputs({ greeting: "goodbye" }));
    assert.equal(await greeting(), "goodbye");
    assert.equal(statusOf(updated).revision, 2);
    assert.equal(statusOf((await release().read(updated)) ?? updated).revision, 2);
    await release().delete(updated);
    assert.equal(await greeting(), undefined);
    assert.equal(await release().read(updated), undefined);
  });

  since("4.30", "it is dropped, and the chart's own stays", "take an empty list for a value", async () => {
    const made = await release().create(inputs({ whom: [] }));
    try {
      assert.equal((await data())?.whom, "[]");
    } finally {
      await release().delete(made);
    }
  });

  it("say what Helm says if they cannot be installed", async () => {
    await assert.rejects(release().create({ ...inputs({}), chart: join(chart, "missing") }), /missing/);
  });
});
