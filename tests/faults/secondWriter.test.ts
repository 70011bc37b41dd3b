import assert from "node:assert/strict";
import { deploy, destroy, pulumi, pulumiOk, theLab, type Values } from "../e2e/support/lab";
import { UP } from "./support/repair";
import { eventuallyBy, noneFailed, steadyTraffic } from "./support/traffic";
import type { Handshakes } from "../e2e/support/handshakes";

const STACK = "writers";
const HOST = "web.writers.test";
const OTHER_HOST = "other.writers.test";
const ADDRESS = "192.168.51.216";
const ROUTE = ["httproute", "web.writers.writers-system", "-n", "writers-apps"];
/** The field managers of the stack's own objects, after their creation and after their first update. */
const CREATOR = "pulumi-kubernetes";
const MANAGER = "istio-gateway/writers";
/** The command of the workflow `drift`. */
const DRIFT = ["preview", "--refresh", "--expect-no-changes"];

const values = (timeout: string, more: Values = {}): Values => ({
  domain: "writers.test",
  gateway: { name: STACK, namespace: "writers-system", address: ADDRESS },
  services: [
    { name: "web", namespace: "writers-apps", port: 8080, timeouts: { request: timeout } },
    { name: "steady", namespace: "writers-apps", port: 8080 },
  ],
  ...more,
});

describe("second writer", () => {
  let traffic: Handshakes;
  before(async () => {
    await deploy(STACK, values("10s"));
    await eventuallyBy(HOST, "web");
    traffic = await steadyTraffic(ADDRESS, "steady.writers.test");
  });
  after(async () => {
    await traffic.stop();
    await destroy(STACK);
  });

  const field = (path: string) => theLab().kubectl(["get", ...ROUTE, "-o", `jsonpath={${path}}`]);
  const hostname = () => field(".spec.hostnames[0]");
  /** Another program's complete version of the route, by server-side apply. */
  const apply = (manager: string, more: readonly string[], change: Values) => {
    const metadata = { name: ROUTE[1], namespace: "writers-apps" };
    const object = { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", metadata, ...change };
    const command = ["kubectl", "apply", "--server-side", `--field-manager=${manager}`, ...more, "-f", "-"];
    return theLab().run(command, { input: JSON.stringify(object) });
  };
  const upRefresh = (...more: string[]) => pulumi(STACK, [...UP, "--refresh", ...more]);
  const noDrift = () => pulumiOk(STACK, DRIFT);

  /** An update stops at the field, reports field and manager, and leaves the object as it is. */
  async function stopsAt(manager: string, command: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await pulumi(STACK, command);
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, new RegExp(`conflict[\\s\\S]*"${manager}"[\\s\\S]*\\.spec\\.hostnames`));
    assert.equal(await hostname(), OTHER_HOST);
  }

  it("an apply by another manager is rejected by the API server, which names this one", async () => {
    const rejected = async (owner: string) => {
      const { code, stderr } = await apply("somebody", [], { spec: { hostnames: [OTHER_HOST] } });
      assert.notEqual(code, 0);
      assert.match(stderr, new RegExp(`conflict with "${owner}"[\\s\\S]*\\.spec\\.hostnames`));
      assert.equal(await hostname(), HOST);
    };
    await rejected(CREATOR);
    await deploy(STACK, values("20s"));
    await rejected(MANAGER);
    await noDrift();
  });

  it("an edit with kubectl is drift; a preview names the editor, and an update without one undoes it", async () => {
    const patch = JSON.stringify({ spec: { hostnames: [OTHER_HOST] } });
    await theLab().kubectl(["patch", ...ROUTE, "--type=merge", "--field-manager=kubectl-edit", "-p", patch]);
    // The state does not contain the edit: a plain update finds nothing to do.
    await pulumiOk(STACK, [...UP, "--expect-no-changes"]);
    await stopsAt("kubectl-edit", DRIFT);
    await stopsAt("kubectl-edit", ["up", "--yes", "--refresh"]);
    const { code, stdout, stderr } = await upRefresh();
    assert.equal(code, 0, stdout + stderr);
    assert.doesNotMatch(stdout + stderr, /conflict|kubectl/);
    assert.equal(await hostname(), HOST);
    await noDrift();
    await eventuallyBy(HOST, "web");
  });

  it("a forced apply takes a field: the update names its manager, and adopt takes it back", async () => {
    const { code, stderr } = await apply("somebody", ["--force-conflicts"], { spec: { hostnames: [OTHER_HOST] } });
    assert.equal(code, 0, stderr);
    await pulumiOk(STACK, [...UP, "--expect-no-changes"]);
    await stopsAt("somebody", DRIFT);
    await stopsAt("somebody", [...UP, "--refresh"]);
    // As in docs/operations.md.
    await pulumiOk(STACK, ["config", "set", "istio-gateway:adopt", "true"]);
    await pulumiOk(STACK, ["up", "--yes", "--refresh"]);
    await pulumiOk(STACK, ["config", "rm", "istio-gateway:adopt"]);
    await pulumiOk(STACK, ["up", "--yes"]);
    assert.equal(await hostname(), HOST);
    await noDrift();
    await eventuallyBy(HOST, "web");
    // From then on that manager's apply is a conflict again.
    assert.notEqual((await apply("somebody", [], { spec: { hostnames: [OTHER_HOST] } })).code, 0);
  });

  it("a forced apply of the current value leaves two managers, and no update stops", async () => {
    const { code, stderr } = await apply("somebody", ["--force-conflicts"], { spec: { hostnames: [HOST] } });
    assert.equal(code, 0, stderr);
    await noDrift();
  });

  it("others' labels are not drift; the next change of the object removes those of kubectl", async () => {
    await theLab().kubectl(["label", ...ROUTE, "team=shop"]);
    await theLab().kubectl(["label", ...ROUTE, "tier=gold", "--field-manager=somebody"]);
    await pulumiOk(STACK, [...UP, "--refresh", "--expect-no-changes"]);
    const labels = async () => [await field(".metadata.labels.team"), await field(".metadata.labels.tier")];
    assert.deepEqual(await labels(), ["shop", "gold"]);
    await deploy(STACK, values("30s"));
    assert.deepEqual(await labels(), ["", "gold"]);
  });

  it("no request to another service failed meanwhile", () => noneFailed(traffic));
});
