import assert from "node:assert/strict";
import { request } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { deploy, destroy, theLab } from "../e2e/support/lab";
import { startSteady } from "../e2e/support/steady";

const STACK = "long";
const HOST = "web.long.test";
const ADDRESS = "192.168.51.136";
/** Unit: seconds. */
const TIME = 600;

describe("connections that go on for ten minutes", function () {
  this.timeout((TIME + 120) * 1000);
  before(async () => {
    await deploy(STACK, {
      domain: "long.test",
      gateway: { name: STACK, namespace: "long-system", address: ADDRESS },
      services: [{ name: "web", namespace: "long-apps", port: 8080 }],
    });
    await eventually("the route", 60_000, async () =>
      assert.equal((await request(theLab(), `https://${HOST}/`)).status, 200),
    );
  });
  after(() => destroy(STACK));

  it("stay open with the defaults, while they are used", async () => {
    const clients = startSteady({
      address: ADDRESS,
      host: HOST,
      perSecond: 2,
      atLeast: 2 * TIME,
      atMost: 3 * TIME,
      maxSeconds: TIME + 60,
      webSockets: 4,
    });
    const { failures, reasons, ends, echoes } = await clients.stop();
    assert.deepEqual([failures, reasons, ends], [0, [], []]);
    assert.ok(echoes > 4 * TIME, `${echoes} echoes`);
  });
});
