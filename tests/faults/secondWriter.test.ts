import assert from "node:assert/strict";
import { deploy, destroy, prepare, pulumi, pulumiOk, theLab, type Values } from "../e2e/support/lab";
import { UP } from "./support/repair";
import { eventuallyBy, noneFailed, steadyTraffic } from "./support/traffic";
import type { Handshakes } from "../e2e/support/handshakes";

const STACK = "writers";
const HOST = "web.writers.test";
const OTHER_HOST = "other.writers.test";
const ADDRESS = "192.168.51.216";
const ROUTE = ["httproute", "web", "-n", "writers-apps"];
/** The field manager of the stack's own objects. */
const MANAGER = "istio-gateway/writers-system/writers";

const values = (more: Values = {}): Values => ({
  domain: "writers.test",
  gateway: { name: STACK, namespace: "writers-system", address: ADDRESS },
  services: [
    { name: "web", namespace: "writers-apps", port: 8080 },
    { name: "steady", namespace: "writers-apps", port: 8080 },
  ],
  ...more,
});

describe("second writer", () => {
  let traffic: Handshakes;
  before(async () => {
    await deploy(STACK, values());
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
    const metadata = { name: "web", namespace: "writers-apps" };
    const object = { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", metadata, ...change };
    const command = ["kubectl", "apply", "--server-side", `--field-manager=${manager}`, ...more, "-f", "-"];
    return theLab().run(command, { input: JSON.stringify(object) });
  };
  const upRefresh = () => pulumi(STACK, [...UP, "--refresh"]);

  /** An update stops at the field, reports field and manager, and leaves the object as it is. */
  async function stopsAt(manager: string): Promise<void> {
    // The state does not contain the edit: a plain update finds nothing to do.
    await pulumiOk(STACK, [...UP, "--expect-no-changes"]);
    const told = await pulumi(STACK, ["preview", "--refresh", "--expect-no-changes"]);
    assert.notEqual(told.code, 0);
    const { code, stdout, stderr } = await upRefresh();
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, new RegExp(`conflict[\\s\\S]*"${manager}"[\\s\\S]*\\.spec\\.hostnames`));
    assert.equal(await hostname(), OTHER_HOST);
  }

  /** As in docs/operations.md: take the field back with one update with `adopt`. */
  async function takesBack(): Promise<void> {
    await prepare(STACK, values({ adopt: true }));
    await pulumiOk(STACK, [...UP, "--refresh"]);
    await prepare(STACK, values());
    await pulumiOk(STACK, UP);
    assert.equal(await hostname(), HOST);
    await pulumiOk(STACK, ["up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes"]);
    await eventuallyBy(HOST, "web");
  }

  it("an apply by another manager is rejected by the API server, which names this one", async () => {
    const { code, stderr } = await apply("somebody", [], { spec: { hostnames: [OTHER_HOST] } });
    assert.notEqual(code, 0);
    assert.match(stderr, new RegExp(`conflict with "${MANAGER}"[\\s\\S]*\\.spec\\.hostnames`));
    assert.equal(await hostname(), HOST);
    await pulumiOk(STACK, [...UP, "--refresh", "--expect-no-changes"]);
  });

  it("an edit takes a field: the update names the editor, and adopt takes it back", async () => {
    const patch = JSON.stringify({ spec: { hostnames: [OTHER_HOST] } });
    await theLab().kubectl(["patch", ...ROUTE, "--type=merge", "--field-manager=kubectl-edit", "-p", patch]);
    await stopsAt("kubectl-edit");
    await takesBack();
  });

  it("a forced apply takes a field: the update names its manager, and adopt takes it back", async () => {
    const { code, stderr } = await apply("somebody", ["--force-conflicts"], { spec: { hostnames: [OTHER_HOST] } });
    assert.equal(code, 0, stderr);
    await stopsAt("somebody");
    await takesBack();
    // From then on that manager's apply is a conflict again.
    assert.notEqual((await apply("somebody", [], { spec: { hostnames: [OTHER_HOST] } })).code, 0);
  });

  it("a forced apply of the current value leaves two managers, and no update stops", async () => {
    const { code, stderr } = await apply("somebody", ["--force-conflicts"], { spec: { hostnames: [HOST] } });
    assert.equal(code, 0, stderr);
    await pulumiOk(STACK, [...UP, "--refresh", "--expect-no-changes"]);
  });

  it("somebody else's label stays, and is not drift", async () => {
    await theLab().kubectl(["label", ...ROUTE, "team=shop"]);
    await pulumiOk(STACK, [...UP, "--refresh", "--expect-no-changes"]);
    assert.equal(await field(".metadata.labels.team"), "shop");
  });

  it("no request to another service failed meanwhile", () => noneFailed(traffic));
});
