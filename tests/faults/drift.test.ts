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
  gateway: { name: STACK, namespace: SYSTEM, address: ADDRESS },
  services: [
    {
      name: "web",
      namespace: "drift-apps",
      port: 8080,
      access: { deny: ["203.0.113.0/24"] },
      rateLimit: { type: "local-by-header", header: "x-user", requests: 1, per: "hour" },
    },
  ],
};

/** What the workflow `drift` runs. */
const DRIFT = ["preview", "--refresh", "--expect-no-changes"];

/** Objects of the stack, by kind, and how a preview names them. */
const OBJECTS = {
  Secret: { object: ["secret", "wildcard-drift-test-tls", "-n", SYSTEM], named: /core\/v1:Secret drift-certificate/ },
  Gateway: { object: ["gateway", STACK, "-n", SYSTEM], named: /gateway\.networking\.k8s\.io\/v1:Gateway drift/ },
  HTTPRoute: { object: ["httproute", "web", "-n", "drift-apps"], named: /v1:HTTPRoute drift-web/ },
  EnvoyFilter: {
    object: ["envoyfilter", `${STACK}--local-rate-limit`, "-n", SYSTEM],
    named: /v1alpha3:EnvoyFilter drift-local-rate-limit/,
  },
  AuthorizationPolicy: {
    object: ["authorizationpolicy", "-n", SYSTEM, "-l", "app.kubernetes.io/part-of=drift"],
    named: /AuthorizationPolicy drift-access/,
  },
} as const;

describe("drift", () => {
  before(async () => {
    await deploy(STACK, VALUES);
    await eventuallyBy(HOST, "web");
    await pulumiOk(STACK, DRIFT);
  });
  after(() => destroy(STACK));

  const serial = async () => (await handshake(theLab(), ADDRESS, HOST)).serial;
  /** Traffic, access and limits as the stack says; each call is another user, for the limit is one request. */
  const sound = (user: string) =>
    eventually("a sound gateway", 60_000, async () => {
      const lab = theLab();
      const limited = async () => (await request(lab, `https://${HOST}/`, { headers: [`x-user: ${user}`] })).status;
      assert.equal((await request(lab, `https://${HOST}/`)).headers["x-backend"], "web");
      assert.equal((await request(lab, `https://${HOST}/`, { from: "203.0.113.10" })).status, 403);
      await limited();
      assert.equal(await limited(), 429);
    });

  for (const [kind, { object, named }] of Object.entries(OBJECTS)) {
    it(`tells of a ${kind} that somebody deleted, and puts the same one back`, async () => {
      const before = await serial();
      await theLab().kubectl(["delete", ...object]);
      const told = await pulumi(STACK, DRIFT);
      assert.notEqual(told.code, 0);
      assert.match(told.stdout + told.stderr, /no changes were expected but changes (occurred|were proposed)/);
      assert.match(told.stdout + told.stderr, named);
      await pulumiOk(STACK, [...UP, "--refresh"]);
      await sound(kind);
      // The key and the certificate are in the state: no client has to trust another one.
      assert.equal(await serial(), before);
    });
  }

  it("is content after", async () => {
    await pulumiOk(STACK, DRIFT);
    const { certificate } = await stackOutputs(theLab(), STACK);
    assert.equal(certificate.mode, "self-signed");
  });
});
