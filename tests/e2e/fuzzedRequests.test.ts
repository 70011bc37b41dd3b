import assert from "node:assert/strict";
import fc from "fast-check";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { request } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { testIssuer } from "../support/jwt";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { oddRequest, type Sender } from "./support/oddRequests";
import { sendRaw, type RawAnswer, type RawRequest } from "./support/raw";
import { parameters } from "../fuzz/support/runs";

const STACK = "odd";
const DOMAIN = "odd.test";
const ADDRESS = "192.168.51.226";
/** Fixed, as in `npm run test:fuzz`; FUZZ_SEED overrides it. */
const { seed: SEED } = parameters();
/** Number of requests for each of the two configs. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 1000);
const CONTROL_RUNS = 200;

const issuer = testIssuer("https://login.odd.test");
const service = (name: string, more: Values = {}) => ({ name, namespace: "odd", port: 8080, ...more });
const inside = { allow: ["192.168.0.0/16"] };
/** Services that refuse this client, each in a different way. */
const BY_ADDRESS = ["guarded", "banned", "split"];
const PROTECTED = [...BY_ADDRESS, "token", "asked"];

const values = (hardening: Values | false): Values => ({
  domain: DOMAIN,
  gateway: { name: "odd", namespace: "odd-system", address: ADDRESS, clientAddress: { trustedProxies: 0 }, hardening },
  certificate: { type: "self-signed", keyAlgorithm: "ecdsa-p256" },
  services: [
    service("open"),
    service("guarded", { access: inside }),
    service("banned", { access: { deny: ["203.0.113.0/24"] } }),
    service("split", {
      access: inside,
      paths: [{ path: "/.*", type: "RegularExpression", name: "all" }, "/admin", { path: "/a", type: "Exact" }],
    }),
    service("token", {
      access: { jwt: { issuer: issuer.issuer, jwks: issuer.jwks, audiences: ["odd"] } },
      cors: { allowOrigins: [`https://open.${DOMAIN}`] },
    }),
    service("asked", { access: { externalAuthorization: { provider: "lab-authorizer" } } }),
    { name: "authorizer", namespace: "access", port: 8080 },
  ],
});

describe("fuzzed requests", () => {
  after(() => destroy(STACK));

  for (const [what, hardening] of [
    ["with hardening", {}],
    ["without hardening", false],
  ] as const) {
    describe(what, () => {
      before(async () => {
        await deploy(STACK, values(hardening));
        await eventually("the routes and the policies", 30_000, async () => {
          for (const name of BY_ADDRESS) {
            assert.equal((await request(theLab(), `https://${name}.${DOMAIN}/`, { from: CLIENT_INSIDE })).status, 200);
          }
          for (const name of PROTECTED) {
            assert.equal((await request(theLab(), `https://${name}.${DOMAIN}/`, { from: CLIENT_OUTSIDE })).status, 403);
          }
        });
      });

      it(`reach no service that refuses their client (FUZZ_SEED=${SEED})`, async function () {
        this.timeout(300_000);
        const before = await requestsTo(PROTECTED);
        const sent = draw({ from: CLIENT_OUTSIDE, guarded: hostsOf(PROTECTED) }, RUNS);
        const answers = await sendRaw(sent);
        const through = sent.filter((_, index) => reached(answers[index], PROTECTED));
        assert.deepEqual(through, [], "answered by a protected service");
        assert.deepEqual(await requestsTo(PROTECTED), before, "requests that Envoy sent to protected services");
        const shares = tally(answers);
        assert.ok((shares["403"] ?? 0) > RUNS / 10, `too few refusals: ${JSON.stringify(shares)}`);
        assert.ok((shares["200"] ?? 0) > RUNS / 100, `too few reach the open service: ${JSON.stringify(shares)}`);
      });

      it(`reach them from a client that may enter (FUZZ_SEED=${SEED})`, async function () {
        this.timeout(300_000);
        const before = await requestsTo(BY_ADDRESS);
        const sent = draw({ from: CLIENT_INSIDE, guarded: hostsOf(BY_ADDRESS) }, CONTROL_RUNS);
        const answers = await sendRaw(sent);
        const arrived = answers.filter((answer) => reached(answer, BY_ADDRESS)).length;
        assert.ok(arrived > CONTROL_RUNS / 5, `${arrived} of ${CONTROL_RUNS}: ${JSON.stringify(tally(answers))}`);
        const after = await requestsTo(BY_ADDRESS);
        for (const name of BY_ADDRESS) {
          assert.ok((after[name] ?? 0) > (before[name] ?? 0), `Envoy counts no request to ${name}`);
        }
      });
    });
  }
});

function hostsOf(names: readonly string[]): string[] {
  return names.map((name) => `${name}.${DOMAIN}`);
}

function draw(sender: Pick<Sender, "from" | "guarded">, numRuns: number): RawRequest[] {
  const whole = { ...sender, address: ADDRESS, open: `open.${DOMAIN}` };
  return fc.sample(oddRequest(whole), { seed: SEED, numRuns });
}

function reached(answer: RawAnswer | undefined, names: readonly string[]): boolean {
  const pattern = `"service":"(${names.join("|")})"|x-backend"?: ?"?(${names.join("|")})\\b`;
  return new RegExp(pattern, "i").test(answer?.text ?? "");
}

function tally(answers: readonly RawAnswer[]): Record<string, number> {
  const shares: Record<string, number> = {};
  answers.forEach(({ status }) => (shares[status] = (shares[status] ?? 0) + 1));
  return shares;
}

/** How many requests Envoy has sent to each Service, by its own counters. */
async function requestsTo(names: readonly string[]): Promise<Record<string, number>> {
  const clusters = await theLab().inProxy("odd", ["curl", "-sf", "http://127.0.0.1:15000/clusters"]);
  return Object.fromEntries(
    names.map((name) => {
      const line = new RegExp(
        `^outbound\\|8080\\|\\|${name}\\.odd\\.svc\\.cluster\\.local::[^:]+:8080::rq_total::(\\d+)$`,
        "m",
      );
      const [, count] = line.exec(clusters) ?? [];
      assert.notEqual(count, undefined, `Envoy counts no requests to ${name}:\n${clusters}`);
      return [name, Number(count)];
    }),
  );
}
