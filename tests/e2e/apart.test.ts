import assert from "node:assert/strict";
import { eventually } from "../../lab/processes";
import { request } from "../../lab/probe";
import { deploy, destroy, theLab, type Values } from "./support/lab";

const DOMAIN = "apart.test";
const HOST = `web.${DOMAIN}`;

interface Gateway {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
}
/** In Istio's root namespace, whose EnvoyFilters apply to every namespace. */
const ROOT: Gateway = { name: "apart", namespace: "istio-system", address: "192.168.51.123" };
const NAMESAKE: Gateway = { name: "apart", namespace: "apart-two", address: "192.168.51.124" };
const NEIGHBOUR: Gateway = { name: "apart-next", namespace: "apart-two", address: "192.168.51.125" };

/** Three stacks serve the same service, under the same host. */
const values = (gateway: Gateway, own: Values, service: Values): Values => ({
  domain: DOMAIN,
  gateway: { ...gateway, ...own },
  services: [{ name: "web", namespace: "apart-apps", port: 8080, ...service }],
});
const limit = (requests: number) => ({ rateLimit: { type: "local", requests, per: "hour" } });

describe("gateways on the same service", function () {
  this.timeout(300_000);
  const status = async ({ address }: Gateway, headers: readonly string[] = []) => {
    const curl = ["--http1.1", "--resolve", `${HOST}:443:${address}`];
    return (await request(theLab(), `https://${HOST}/`, { headers, curl })).status;
  };
  const eventuallyIs = (gateway: Gateway, expected: number) =>
    eventually(`${expected} from ${gateway.namespace}/${gateway.name}`, 60_000, async () =>
      assert.equal(await status(gateway, ["x_odd: 1"]), expected),
    );

  before(async () => {
    await deploy("apart-root", values(ROOT, {}, limit(1000)));
    const policy = { trafficPolicy: { connections: { maxConnections: 100 } } };
    await deploy("apart-namesake", values(NAMESAKE, { hardening: false }, { ...limit(10), ...policy }));
    // The backend has no sidecar, so it does not understand mutual TLS.
    const mutual = { trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } };
    await deploy("apart-neighbour", values(NEIGHBOUR, { hardening: false }, mutual));
  });
  after(async () => {
    for (const stack of ["apart-neighbour", "apart-namesake"]) {
      await destroy(stack);
    }
  });

  it("have their own hardening and limits, also those of one name, and if one is in Istio's root namespace", async () => {
    // The header is refused by the hardening only.
    await eventuallyIs(ROOT, 400);
    // The first request that is answered takes the first token.
    await eventuallyIs(NAMESAKE, 200);
    const statuses: number[] = [];
    while (statuses.length < 12) {
      statuses.push(await status(NAMESAKE));
    }
    assert.deepEqual(statuses, [...Array<number>(9).fill(200), 429, 429, 429]);
    assert.equal(await status(ROOT), 200);
  });

  it("have their own traffic policy for a backend in common, also in one namespace", async () => {
    await eventuallyIs(NEIGHBOUR, 503);
    assert.equal(await status(NAMESAKE), 429, "the limit answers, and the backend is not the cause");
    assert.equal(await status(ROOT), 200);
  });

  it("lose nothing when another one goes", async () => {
    await destroy("apart-root");
    assert.equal(await status(NAMESAKE), 429);
    const left = ["get", "httproutes", "-n", "apart-apps", "-o", "jsonpath={.items[*].metadata.name}"];
    assert.deepEqual((await theLab().kubectl(left)).split(" ").sort(), [
      "web.apart-next.apart-two",
      "web.apart.apart-two",
    ]);
  });
});
