import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { labPath } from "../../lab/state";
import type { Handshakes } from "../e2e/support/handshakes";
import { deploy, destroy, prepare, pulumiOk, theLab, writeStack, type Values } from "../e2e/support/lab";
import { faultSeed, randomNumbers } from "../faults/support/random";
import { repair } from "../faults/support/repair";
import { startUpdate } from "../faults/support/runningUpdate";
import { eventuallyBy, noneFailed, steadyTraffic } from "../faults/support/traffic";

/** FAULT_KILLS=3 kills three times as often. */
const TIMES = Number(process.env.FAULT_KILLS ?? 1);
const UPDATES = 6 * TIMES;
const FIRST_UPS = [
  { name: "first up", kills: 4 * TIMES, env: {} },
  // As in docs/operations.md, "First deploy of many services": after a kill, nothing that was created is in the state.
  { name: "first up, its state written once", kills: 2 * TIMES, env: { PULUMI_SKIP_CHECKPOINTS: "true" } },
];
const KILLS = FIRST_UPS.reduce((sum, { kills }) => sum + kills, UPDATES);
/** At least this many kills must hit an update that has done part of its work. */
const LEAST_IN_THE_MIDDLE = 2 * TIMES;

const seed = faultSeed();
const random = randomNumbers(seed);

/** Time of an update until its first step and in total (unit: milliseconds), and its number of steps. */
interface Duration {
  readonly toFirstStep: number;
  readonly total: number;
  readonly steps: number;
}

/** Where in an update a kill landed. */
interface Landing {
  readonly begun: number;
  readonly done: number;
  readonly pending: number;
  /** Steps of the whole update. */
  readonly of: number;
  readonly isOver: boolean;
}

const landings: Landing[] = [];

/** Measures an undisturbed update. */
async function measure(stack: string, env?: NodeJS.ProcessEnv): Promise<Duration> {
  const start = Date.now();
  const update = startUpdate(stack, [], env);
  await update.firstStep();
  const toFirstStep = Date.now() - start;
  const { code } = await update.ended;
  assert.equal(code, 0, update.said());
  return { toFirstStep, total: Date.now() - start, steps: update.steps().done };
}

/**
 * A random point in an update's duration, stratified: even indexes spread over the whole update, odd ones over the part
 * after the first step.
 */
function randomPoint(index: number, of: number, { toFirstStep, total }: Duration): number {
  const part = (index + random()) / of;
  return index % 2 === 0 ? part * total : toFirstStep + part * (total - toFirstStep);
}

/** Kills an update at a point. The time is counted again from the first step, because a busy machine starts more slowly. */
async function killAt(
  stack: string,
  point: number,
  { toFirstStep, steps }: Duration,
  env?: NodeJS.ProcessEnv,
): Promise<void> {
  const update = startUpdate(stack, [], env);
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  if (point > toFirstStep) {
    await update.firstStep();
  }
  await sleep(point > toFirstStep ? point - toFirstStep : point);
  // Half of the kills end plugins and program at the same moment, half let them finish what they are doing.
  await update.kill(random() < 0.5 ? 0 : 1000);
  const isOver = /Duration:/.test(update.said());
  const landing = { ...update.steps(), of: steps, pending: pendingOperations(stack), isOver };
  console.log(`      killed after ${Math.round(point)} ms: ${JSON.stringify(landing)}`);
  landings.push(landing);
}

function pendingOperations(stack: string): number {
  const file = labPath("pulumi", ".pulumi", "stacks", "istio-gateway", `${stack}.json`);
  if (!existsSync(file)) {
    return 0;
  }
  interface State {
    checkpoint: { latest?: { pending_operations?: unknown[] } };
  }
  return (JSON.parse(readFileSync(file, "utf8")) as State).checkpoint.latest?.pending_operations?.length ?? 0;
}

const service = (name: string, more: Values = {}): Values => ({ name, namespace: "killed-apps", port: 8080, ...more });
const limit = (requests: number) => ({ rateLimit: { type: "local", requests, per: "second" } });

describe("killed", () => {
  let duration: Duration;
  before(() => console.log(`    FAULT_SEED=${seed}`));

  describe("update", () => {
    const STACK = "killed-update";
    const ADDRESS = "192.168.51.211";
    const values = (services: readonly Values[]): Values => ({
      domain: "killed-update.test",
      gateway: { name: STACK, namespace: `${STACK}-system`, address: ADDRESS },
      services,
    });
    // One service changes, one is added and one is removed.
    const shop = (requests: number) => service("shop", { ...limit(requests), timeouts: { request: `${requests}ms` } });
    const versions = [
      values([shop(10_000), service("ebb", limit(1000))]),
      values([shop(20_000), service("flood", limit(1000))]),
    ];
    let traffic: Handshakes;
    let current = 0;
    before(async () => {
      await prepare(STACK, versions[1] ?? {});
      await deploy(STACK, versions[0] ?? {});
      await eventuallyBy("shop.killed-update.test", "shop");
      traffic = await steadyTraffic(ADDRESS, "shop.killed-update.test");
      current = 1;
      await prepare(STACK, versions[1] ?? {});
      duration = await measure(STACK);
    });
    after(async () => {
      await traffic.stop();
      await destroy(STACK);
    });

    for (let index = 0; index < UPDATES; index += 1) {
      it(`point ${index + 1} of ${UPDATES}: the repair converges`, async () => {
        current = 1 - current;
        await theLab().take(STACK, writeStack(STACK, versions[current] ?? {}));
        await killAt(STACK, randomPoint(index, UPDATES, duration), duration);
        await repair(STACK);
        await eventuallyBy("shop.killed-update.test", "shop");
        await eventuallyBy("ebb.killed-update.test", current === 0 ? "ebb" : "404");
        await eventuallyBy("flood.killed-update.test", current === 1 ? "flood" : "404");
      });
    }

    it("failed no request, from before the first kill to after the last repair", () => noneFailed(traffic));
  });

  for (const { name, kills, env } of FIRST_UPS) {
    describe(name, () => {
      const STACK = "killed-first";
      const VALUES = {
        domain: "killed-first.test",
        gateway: { name: STACK, namespace: `${STACK}-system`, address: "192.168.51.210" },
        services: [service("shop", limit(1000)), service("web")],
      };
      before(async () => {
        await prepare(STACK, VALUES);
        duration = await measure(STACK, env);
      });
      after(() => destroy(STACK));

      for (let index = 0; index < kills; index += 1) {
        it(`point ${index + 1} of ${kills}: the repair converges`, async () => {
          await pulumiOk(STACK, ["destroy", "--yes", "--skip-preview"]);
          await killAt(STACK, randomPoint(index, kills, duration), duration, env);
          await repair(STACK);
          await eventuallyBy("shop.killed-first.test", "shop");
          await eventuallyBy("web.killed-first.test", "web");
        });
      }
    });
  }

  describe("in all", () => {
    it(`${KILLS} times, at least ${LEAST_IN_THE_MIDDLE} of them in the middle of the work`, () => {
      assert.equal(landings.length, KILLS);
      // Operations that are pending in the state, or only part of the objects written.
      const inTheMiddle = landings.filter(
        ({ begun, done, of, pending, isOver }) => !isOver && (pending > 0 || (begun > 0 && done > 0 && done < of)),
      );
      assert.ok(inTheMiddle.length >= LEAST_IN_THE_MIDDLE, JSON.stringify(landings));
    });
  });
});
