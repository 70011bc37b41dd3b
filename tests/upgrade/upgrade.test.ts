import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { loadStackFile } from "../../config/load/stackFile";
import { proxyName } from "../../components/shared/naming";
import { checkStack } from "../../lab/checks";
import { releaseOf, writePlatform, type Release } from "../../lab/istioPlatform";
import { REPOSITORY } from "../../lab/paths";
import { eventually } from "../../lab/processes";
import { ensureTools } from "../../lab/tools";
import { NEXT_ISTIO } from "../../lab/tools/catalogue";
import { startHandshakes, type Handshakes } from "../e2e/support/handshakes";
import { deploy, destroy, pulumiOk, theLab, writeStack, type Values } from "../e2e/support/lab";
import { assertNothingRejected } from "../e2e/support/rejects";

const STACK = "upgrade";
const ISTIO_NAMESPACE = "istio-system";
const REVISION = "next";
const REQUESTS = 10_000;

/** The repository's dev stack, whose services use most of what depends on Istio. */
function values(revision?: string): Values {
  const { config } = parse(readFileSync(join(REPOSITORY, "Pulumi.dev.yaml"), "utf8")) as { config: Values };
  const own = Object.entries(config).map(([key, value]) => [key.replace("istio-gateway:", ""), value] as const);
  const dev = Object.fromEntries(own) as Values & { gateway: Values };
  const infrastructure = { preset: "small", replicas: 2 };
  return { ...dev, gateway: { ...dev.gateway, infrastructure, revision } };
}

/** docs/operations.md, "Upgrade Istio and the CRDs", with its commands: a release up and back, in place and by revision. */
describe("upgrade under load", function () {
  this.timeout(900_000);
  let load: Handshakes;
  let now: Release;
  let next: Release;

  before(async () => {
    now = releaseOf(theLab().tools, "experimental");
    next = releaseOf(await ensureTools(NEXT_ISTIO), "experimental");
    const { gateway, services } = await deploy(STACK, values());
    await theLab().gatewayReady(gateway);
    await isGreen(now);
    load = startHandshakes({
      address: gateway.address ?? "",
      host: services.find(({ name }) => name === "grafana")?.host ?? "",
      concurrency: 8,
      perSecond: 25,
      atLeast: REQUESTS,
      atMost: 5 * REQUESTS,
      maxSeconds: 1_800,
    });
    await load.anySight(60_000);
  });
  after(() => destroy(STACK));

  /** Changes the stack in istio/ and updates it. */
  async function platform(config: object): Promise<void> {
    writePlatform(config);
    const { code, stdout, stderr } = await theLab().istioPlatform(["up", "--yes", "--skip-preview"]);
    assert.equal(code, 0, stdout + stderr);
  }

  const kubectl = (...args: string[]) => theLab().kubectl(args);

  /** The proxies run this release, nothing changed for the stack, `verify` finds nothing wrong, and no proxy rejected config. */
  async function isGreen({ istioVersion }: Release, revision?: string): Promise<void> {
    const file = writeStack(STACK, values(revision));
    const config = loadStackFile(file);
    const { gateway } = config;
    const deployment = `deployment/${proxyName(gateway)}`;
    const image = [
      "get",
      deployment,
      "-n",
      gateway.namespace,
      "-o",
      "jsonpath={.spec.template.spec.containers[0].image}",
    ];
    await eventually(`proxies of ${istioVersion}`, 120_000, async () => {
      assert.match(await kubectl(...image), new RegExp(`:${istioVersion}$`));
    });
    await kubectl("rollout", "status", deployment, "-n", gateway.namespace, "--timeout=120s");
    await pulumiOk(STACK, ["up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes"]);
    const rows = await checkStack(theLab(), STACK, config, file);
    assert.deepEqual(
      rows.filter(({ state }) => state === "failed"),
      [],
    );
    await assertNothingRejected(gateway.name);
  }

  const istiods = async () => {
    const deployments = await kubectl("get", "deployments", "-n", ISTIO_NAMESPACE, "-l", "app=istiod", "-o", "name");
    return deployments.trim().split("\n").sort();
  };

  it("in place: CRDs, istiod, then proxies", async () => {
    await platform(next);
    await isGreen(next);
  });

  it("in place, back: the CRDs stay", async () => {
    await platform({ ...next, istioVersion: now.istioVersion, charts: now.charts });
    await isGreen(now);
  });

  it("by revision: the gateway moves to a second istiod", async () => {
    const { istioVersion, charts } = next;
    const canary = { revision: REVISION, istioVersion, charts };
    await platform({ ...next, istioVersion: now.istioVersion, charts: now.charts, canary });
    assert.deepEqual(await istiods(), ["deployment.apps/istiod", `deployment.apps/istiod-${REVISION}`]);
    await isGreen(now);
    await deploy(STACK, values(REVISION));
    await isGreen(next, REVISION);
  });

  it("by revision, back: the gateway returns, and the second istiod goes", async () => {
    await deploy(STACK, values());
    await isGreen(now);
    await platform({ ...next, istioVersion: now.istioVersion, charts: now.charts });
    assert.deepEqual(await istiods(), ["deployment.apps/istiod"]);
    await isGreen(now);
  });

  it(`failed none of at least ${REQUESTS} requests`, async () => {
    const { requests, failures, reasons } = await load.stop();
    assert.deepEqual([failures, reasons], [0, []], `${failures} of ${requests} requests failed`);
    assert.ok(requests >= REQUESTS, `${requests} requests`);
  });
});
