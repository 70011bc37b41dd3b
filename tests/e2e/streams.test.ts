import assert from "node:assert/strict";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { request } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { verified, words } from "./support/verified";

const STACK = "streams";
const ADDRESS = "192.168.51.129";
const DOMAIN = "streams.test";
const VALUES: Values = {
  domain: DOMAIN,
  gateway: { name: "streams", namespace: "streams-system", address: ADDRESS, clientAddress: { trustedProxies: 0 } },
  services: [
    { name: "web", namespace: "apps", port: 8080 },
    { name: "passed", namespace: "apps", port: 8443, protocol: "tls-passthrough", host: `passed.${DOMAIN}` },
    {
      name: "inside",
      namespace: "apps",
      port: 8443,
      protocol: "tls-passthrough",
      host: "inside.elsewhere.test",
      access: { allow: [`${CLIENT_INSIDE}/32`] },
    },
    { name: "ended", namespace: "apps", port: 8080, protocol: "tls-terminate", listenPort: 6443 },
    { name: "plain", namespace: "apps", port: 8080, protocol: "tcp", listenPort: 5432 },
    {
      name: "guarded",
      namespace: "apps",
      port: 8080,
      protocol: "tcp",
      listenPort: 5433,
      access: { deny: [`${CLIENT_OUTSIDE}/32`] },
      limits: { maxConnections: 2 },
    },
  ],
};

const get = (url: string, from = CLIENT_INSIDE, ...curl: string[]) => {
  const { hostname, port } = new URL(url);
  return request(theLab(), url, { from, curl: ["--resolve", `${hostname}:${port || 443}:${ADDRESS}`, ...curl] });
};
/** The lab's backends speak HTTP, over whatever carries it. */
const overTcp = (port: number, from = CLIENT_INSIDE, path = "") =>
  request(theLab(), `http://${ADDRESS}:${port}/${path}`, { from });

describe("streams", () => {
  before(async () => {
    await deploy(STACK, VALUES);
    await eventually("every stream", 60_000, async () => {
      const answers = [
        get(`https://web.${DOMAIN}/`),
        get(`https://passed.${DOMAIN}/`),
        get(`https://ended.${DOMAIN}:6443/`, CLIENT_INSIDE, "--http1.1"),
        overTcp(5432),
        overTcp(5433),
      ];
      assert.deepEqual(
        (await Promise.all(answers)).map(({ status }) => status),
        [200, 200, 200, 200, 200],
      );
    });
  });
  after(() => destroy(STACK));

  it("pass TLS on by server name, beside hosts that end on the same port", async () => {
    const { headers } = await get(`https://passed.${DOMAIN}/`);
    assert.equal(headers["x-backend"], "passed");
    const subject = async (host: string) => {
      const { stdout } = await theLab().run(["openssl", "s_client", "-connect", `${ADDRESS}:443`, "-servername", host]);
      return /^subject=(.*)$/m.exec(stdout)?.[1];
    };
    assert.equal(await subject(`passed.${DOMAIN}`), "CN = passed.backend", "the backend's own certificate");
    assert.equal(await subject(`web.${DOMAIN}`), `CN = *.${DOMAIN}`);
    assert.equal((await get(`https://web.${DOMAIN}/`)).headers["x-backend"], "web");
  });

  it("end TLS with the domain's certificate, and pass the rest on", async () => {
    // Istio announces HTTP/2 too, which the backend does not speak.
    const { status, headers } = await get(`https://ended.${DOMAIN}:6443/`, CLIENT_INSIDE, "--http1.1");
    assert.deepEqual([status, headers["x-backend"]], [200, "ended"]);
    assert.equal((await get(`https://other.${DOMAIN}:6443/`)).status, 0, "no other name there");
    // Envoy has it only if gateway.tls.groups is in force here too.
    assert.equal(
      (await get(`https://ended.${DOMAIN}:6443/`, CLIENT_INSIDE, "--http1.1", "--curves", "P-384")).status,
      200,
    );
  });

  it("pass TCP on by port", async () => {
    const { status, headers } = await overTcp(5432, CLIENT_OUTSIDE);
    assert.deepEqual([status, headers["x-backend"]], [200, "plain"]);
  });

  it("take connections only from addresses that may", async () => {
    assert.equal((await overTcp(5433, CLIENT_OUTSIDE)).status, 0);
    assert.equal((await overTcp(5433)).status, 200);
    assert.equal((await get("https://inside.elsewhere.test/", CLIENT_OUTSIDE)).status, 0);
    assert.equal((await get("https://inside.elsewhere.test/")).headers["x-backend"], "inside");
    assert.equal((await get(`https://passed.${DOMAIN}/`, CLIENT_OUTSIDE)).status, 200, "others are open");
  });

  it("close connections beyond the limit, and take new ones after", async () => {
    const held = [1, 2].map(() => overTcp(5433, CLIENT_INSIDE, "?sleep=4000"));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal((await overTcp(5433)).status, 0);
    assert.deepEqual(
      (await Promise.all(held)).map(({ status }) => status),
      [200, 200],
    );
    assert.equal((await overTcp(5433)).status, 200);
  });

  it("do not lead to hosts of requests, nor those to them", async () => {
    const wrong = await get(`https://web.${DOMAIN}/`, CLIENT_INSIDE, "--header", `Host: passed.${DOMAIN}`);
    assert.match(String(wrong.status), /^(404|421)$/);
    const other = await get(`https://passed.${DOMAIN}/`, CLIENT_INSIDE, "--header", `Host: web.${DOMAIN}`);
    assert.equal(other.headers["x-backend"], "passed", "only the server name counts");
  });

  it("are in verify", async () => {
    const rows = await verified(STACK, VALUES, "--from", CLIENT_INSIDE, "--address", ADDRESS);
    const behind = rows.filter(({ what }) => /Service apps\/(passed|plain):\d+ has a ready endpoint/.test(what));
    assert.deepEqual(
      behind.map(({ state }) => state),
      ["ok", "ok"],
      words(rows),
    );
    const own = rows.filter(({ check }) => check === "streams");
    assert.equal(own.length, 5, words(rows));
    assert.ok(
      own.every(({ state }) => state === "ok"),
      words(own),
    );
    const outside = await verified(STACK, VALUES, "--from", CLIENT_OUTSIDE, "--address", ADDRESS, "--no-cluster");
    const refused = outside.filter(({ what }) => what.includes("refuses"));
    assert.deepEqual(
      refused.map(({ what, state }) => [what, state]),
      [
        [`inside.elsewhere.test:443 refuses ${CLIENT_OUTSIDE}`, "ok"],
        [`TCP:5433 refuses ${CLIENT_OUTSIDE}`, "ok"],
      ],
    );
  });
});
