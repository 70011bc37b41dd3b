import assert from "node:assert/strict";
import { eventually } from "../../lab/processes";
import { ensureOptional } from "../../lab/tools";
import { theLab } from "../e2e/support/lab";
import { UP } from "./support/repair";
import { SecondLab } from "../e2e/support/secondLab";

/** The repository's stack `dev`, which has retries, in its own lab: CRDs belong to the whole cluster. */
const KINDS = "destinationrules,envoyfilters,secrets";
/** On every object of both stacks. */
const LABEL = "app.kubernetes.io/part-of=istio-unified-gateway";
const CRDS = ["gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants"].map(
  (kind) => `${kind}.gateway.networking.k8s.io`,
);

const PREVIEW = ["preview"];

describe("CRDs", () => {
  let lab: SecondLab;
  before(() => {
    lab = new SecondLab();
  });
  after(() => lab.end());

  const exec = (...command: string[]) => lab.run("exec", "--", ...command);
  const execOk = async (...command: string[]) => {
    const { code, stdout, stderr } = await exec(...command);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  const pulumi = (stack: string, command: readonly string[]) => [
    "pulumi",
    ...command,
    ...["--stack", stack, "--non-interactive", "--color", "never"],
  ];
  const install = (crds: string) => ["kubectl", "apply", "--server-side", "--force-conflicts", "-f", crds];

  /** An update fails with one error, before it creates anything. */
  async function refused(command: readonly string[], expected: RegExp[], stack = "dev"): Promise<void> {
    const { code, stdout, stderr } = await exec(...pulumi(stack, command));
    assert.notEqual(code, 0);
    for (const pattern of expected) {
      assert.match(stdout + stderr, pattern);
    }
    assert.doesNotMatch(stdout + stderr, /\bat .+\.ts:\d+/, "no stack trace");
    assert.equal(await objects(), "");
  }
  /** What the stacks have made. A kind whose CRD is gone has no objects. */
  const objects = () => execOk("kubectl", "get", KINDS, "-A", "-l", LABEL, "-o", "name");
  const removeGuard = () =>
    execOk("kubectl", "delete", "validatingadmissionpolicybinding/safe-upgrades.gateway.networking.k8s.io");

  it("standard ones: rejects what they would drop, and creates nothing", async () => {
    const { code, stderr } = await lab.run("up", "--crds", "standard");
    assert.equal(code, 0, stderr);
    for (const command of [PREVIEW, UP]) {
      await refused(command, [
        /stack config has 1 mistake, nothing was changed:\n\s+istio-gateway:services\[0\]\.retry \([a-z]+\): \{"attempts":/,
        /expected CRDs .* with HTTPRoute's retry: the experimental channel .*are standard v1\./,
      ]);
    }
  });

  it("none: says so, and creates nothing", async () => {
    await execOk("kubectl", "delete", "crd", ...CRDS);
    // `prod` uses no field that some CRDs lack.
    for (const stack of ["dev", "prod"]) {
      for (const command of [PREVIEW, UP]) {
        await refused(command, [/gatewayclasses\.gateway\.networking\.k8s\.io/], stack);
      }
    }
  });

  it("experimental ones, installed as documented: works", async () => {
    const crds = theLab().tools.crds.gatewayApi.experimental;
    const guarded = await exec(...install(crds));
    assert.notEqual(guarded.code, 0);
    assert.match(guarded.stderr, /safe-upgrades\.gateway\.networking\.k8s\.io/);
    // As in docs/operations.md: the Gateway API's own policy prevents an accidental change of channel.
    await removeGuard();
    await eventually("the end of the policy", 60_000, () => execOk(...install(crds)));
    await execOk("kubectl", "create", "namespace", "monitoring");
    await execOk(...pulumi("dev", PREVIEW));
  });

  it("one version older: works, and serves traffic", async () => {
    const older = await ensureOptional("gateway-api-older");
    // As in docs/operations.md: the same policy keeps CRDs from getting older.
    const guarded = await exec(...install(older));
    assert.notEqual(guarded.code, 0);
    assert.match(guarded.stderr, /safe-upgrades\.gateway\.networking\.k8s\.io/);
    // Kinds whose stored objects the older CRDs could not read.
    const newer = ["tlsroutes", "tcproutes", "udproutes"].map((kind) => `${kind}.gateway.networking.k8s.io`);
    await execOk("kubectl", "delete", "crd", "--ignore-not-found", ...newer);
    // The installation restored the guard.
    await removeGuard();
    await eventually("the end of the policy", 60_000, () => execOk(...install(older)));
    const version = String.raw`{.items[*].metadata.annotations.gateway\.networking\.k8s\.io/bundle-version}`;
    const versions = await execOk("kubectl", "get", "crd", ...CRDS, "-o", `jsonpath=${version}`);
    assert.deepEqual(new Set(versions.split(" ")), new Set(["v1.4.1"]));
    const { code, stdout, stderr } = await lab.run("deploy", "--stack", "dev");
    assert.equal(code, 0, stdout + stderr);
    assert.match(await objects(), /destinationrule[\s\S]*envoyfilter[\s\S]*secret/);
    await eventually("the route", 60_000, async () =>
      assert.match(await execOk("curl", "-sk", "https://grafana.zzppjj.top/"), /"service":"grafana"/),
    );
    for (const command of [
      [...UP, "--expect-no-changes"],
      ["destroy", "--yes", "--skip-preview"],
    ]) {
      await execOk(...pulumi("dev", command));
    }
  });

  it("older than a field: rejects what they would drop", async () => {
    // The annotation that the program reads.
    const version = "gateway.networking.k8s.io/bundle-version=v1.1.0";
    await execOk("kubectl", "annotate", "--overwrite", `crd/${CRDS[0] ?? ""}`, version);
    await refused(PREVIEW, [
      /expected CRDs .* with HTTPRoute's retry: the experimental channel from v1\.2.*are experimental v1\.1\.0/,
    ]);
  });
});
