import assert from "node:assert/strict";
import { stackOutputs } from "../../lab/probe";
import { deploy, destroy, pulumi, pulumiOk, theLab, type Values } from "../e2e/support/lab";
import { UP } from "./support/repair";
import { eventuallyBy } from "./support/traffic";
import { handshake, request } from "../../lab/probe";
import { eventually } from "../../lab/processes";

const STACK = "drift";
const HOST = "web.drift.test";
const ADDRESS = "192.168.51.215";
const SYSTEM = "drift-system";

const VALUES: Values = {
  domain: "drift.test",
  gateway: { name: STACK, namespace: SYSTEM, address: ADDRESS, clientAddress: { trustedProxies: 0 } },
  services: [
    {
      name: "web",
      namespace: "drift-apps",
      port: 8080,
      access: { deny: ["203.0.113.0/24"] },
    },
    {
      name: "limited",
      namespace: "drift-apps",
      port: 8080,
      // Each check acts as a different user.
      rateLimit: { type: "local-by-header", header: "x-user", requests: 1, per: "hour" },
    },
  ],
};

/** The command of the workflow `drift`. */
const DRIFT = ["preview", "--refresh", "--expect-no-changes"];

/** Objects of the stack, by what is deleted together, as kubectl and as a preview name them. */
const OBJECTS: Readonly<Record<string, readonly { object: readonly string[]; named: RegExp }[]>> = {
  "a Secret": [
    {
      object: ["secret", "drift--wildcard-drift-test-tls", "-n", SYSTEM],
      named: /core\/v1:Secret gateway-certificate create/,
    },
  ],
  "a Gateway": [
    { object: ["gateway", STACK, "-n", SYSTEM], named: /gateway\.networking\.k8s\.io\/v1:Gateway gateway create/ },
  ],
  "a route and its policies": [
    { object: ["httproute", `web.${STACK}.${SYSTEM}`, "-n", "drift-apps"], named: /v1:HTTPRoute gateway-web create/ },
    {
      object: ["envoyfilter", `${STACK}--local-rate-limit`, "-n", SYSTEM],
      named: /v1alpha3:EnvoyFilter gateway-local-rate-limit create/,
    },
    {
      object: ["envoyfilter", `${STACK}--access`, "-n", SYSTEM],
      named: /v1alpha3:EnvoyFilter gateway-access create/,
    },
  ],
};

describe("drift", () => {
  before(async () => {
    await deploy(STACK, VALUES);
    await eventuallyBy(HOST, "web");
    await eventuallyBy("limited.drift.test", "limited");
  });
  after(() => destroy(STACK));

  const serial = async () => (await handshake(theLab(), ADDRESS, HOST)).serial;
  /** Traffic, access and limits as in the stack. Each call needs another user, because the limit is one request. */
  const sound = (user: string) =>
    eventually("a healthy gateway", 60_000, async () => {
      const lab = theLab();
      const limited = async () =>
        (await request(lab, "https://limited.drift.test/", { headers: [`x-user: ${user}`] })).status;
      assert.equal((await request(lab, `https://${HOST}/`)).headers["x-backend"], "web");
      assert.equal((await request(lab, `https://${HOST}/`, { from: "203.0.113.10" })).status, 403);
      await limited();
      assert.equal(await limited(), 429);
    });

  for (const [what, objects] of Object.entries(OBJECTS)) {
    it(`reports ${what} that somebody deleted, and restores the same`, async () => {
      const before = await serial();
      for (const { object } of objects) {
        await theLab().kubectl(["delete", ...object]);
      }
      const { code, stdout, stderr } = await pulumi(STACK, DRIFT);
      assert.notEqual(code, 0);
      assert.match(stderr, /no changes were expected for preview but changes were proposed/);
      for (const { named } of objects) {
        assert.match(stdout, named);
      }
      await pulumiOk(STACK, [...UP, "--refresh"]);
      await sound(what);
      // The key and the certificate are in the state: clients do not have to trust a new one.
      assert.equal(await serial(), before);
    });
  }

  it("finds no drift afterwards", async () => {
    await pulumiOk(STACK, DRIFT);
    const { certificates } = await stackOutputs(theLab(), STACK);
    assert.deepEqual(
      certificates.map(({ type }) => type),
      ["self-signed"],
    );
  });
});
