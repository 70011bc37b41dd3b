import assert from "node:assert/strict";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { eventually } from "../../lab/processes";
import { chosenIstio } from "../../lab/tools/istioVersion";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { http1, proxyHeader, sendRaw, type RawRequest } from "./support/raw";

const STACK = "client-address";
const DOMAIN = "behind.test";
const ADDRESS = "192.168.51.117";
const PROXY = CLIENT_INSIDE;
/** An address in the allow list, and one that is not in it. */
const FRIEND = "10.9.1.1";
const STRANGER = "203.0.113.9";

const values = (clientAddress: Values, denyByDefault: boolean): Values => ({
  domain: DOMAIN,
  gateway: {
    name: "behind",
    namespace: "behind-system",
    address: ADDRESS,
    clientAddress: { ...clientAddress, proxyAddresses: [PROXY] },
    httpsRedirect: { statusCode: 308 },
  },
  defaults: { denyByDefault, access: { public: true } },
  services: [
    { name: "guarded", namespace: "behind", port: 8080, access: { allow: ["10.9.0.0/16", "2001:db8::/32"] } },
    { name: "open", namespace: "behind", port: 8080 },
    { name: "banned", namespace: "behind", port: 8080, access: { deny: [`${STRANGER}/32`] } },
    {
      name: "limited",
      namespace: "behind",
      port: 8080,
      rateLimit: { type: "local-by-address", requests: 2, per: "hour" },
    },
  ],
});

/** A route that somebody attached to the Gateway manually. */
const STRAY = JSON.stringify({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "stray", namespace: "behind" },
  spec: {
    parentRefs: [{ name: "behind", namespace: "behind-system", sectionName: "https" }],
    hostnames: [`stray.${DOMAIN}`],
    rules: [{ backendRefs: [{ name: "open", port: 8080 }] }],
  },
});

describe("access behind proxies", () => {
  /** Statuses of requests, by description. */
  async function statuses(requests: Record<string, RawRequest>): Promise<Record<string, number>> {
    const answers = await sendRaw(Object.values(requests));
    return Object.fromEntries(Object.keys(requests).map((name, index) => [name, answers[index]?.status ?? 0]));
  }
  const send = (name: string, lines: readonly string[], more: Partial<RawRequest> = {}): RawRequest => {
    const host = `${name}.${DOMAIN}`;
    return { address: ADDRESS, from: PROXY, sni: host, text: http1([`Host: ${host}`, ...lines]), ...more };
  };

  before(() => deploy(STACK, values({ trustedProxies: 1 }, true)));
  after(() => destroy(STACK));

  it("uses the address that the trusted proxy appended to X-Forwarded-For, and no other", async () => {
    const through = (...forwarded: string[]) =>
      send(
        "guarded",
        forwarded.map((text) => `X-Forwarded-For: ${text}`),
      );
    await eventually("the routes", 30_000, async () => {
      assert.deepEqual(await statuses({ friend: through(FRIEND) }), { friend: 200 });
    });
    const requests: Record<string, readonly [RawRequest, number]> = {
      friend: [through(FRIEND), 200],
      "friend by IPv6": [through("2001:db8::7"), 200],
      "friend in the form of IPv6": [through(`::ffff:${FRIEND}`), 200],
      stranger: [through(STRANGER), 403],
      "stranger in the form of IPv6": [through(`::ffff:${STRANGER}`), 403],
      "a banned address in the form of IPv6": [send("banned", [`X-Forwarded-For: ::ffff:${STRANGER}`]), 403],
      "another one there": [send("banned", [`X-Forwarded-For: ::ffff:${FRIEND}`]), 200],
      "stranger by IPv6": [through("2001:db9::7"), 403],
      "stranger that claims to be a friend": [through(`${FRIEND}, ${STRANGER}`), 403],
      "the same in two headers": [through(FRIEND, STRANGER), 403],
      "friend that claims to be a stranger": [through(`${STRANGER}, ${FRIEND}`), 200],
      "an empty last entry": [through(`${FRIEND},`), 403],
      "a last entry that is not an address": [through(`${FRIEND}, friend`), 403],
      "no header": [through(), 403],
    };
    const seen = await statuses(Object.fromEntries(Object.entries(requests).map(([name, [raw]]) => [name, raw])));
    assert.deepEqual(seen, Object.fromEntries(Object.entries(requests).map(([name, [, status]]) => [name, status])));
  });

  it("counts a /64 of IPv6 as one client, and IPv4 addresses in the form of IPv6 each on its own", async () => {
    const three = async (...clients: readonly [string, string, string]) => {
      const raw = clients.map((client) => send("limited", [`X-Forwarded-For: ${client}`]));
      return (await sendRaw(raw)).map(({ status }) => status).sort();
    };
    await eventually("the route", 30_000, async () => {
      const [answer] = await sendRaw([send("limited", ["X-Forwarded-For: 198.51.100.1"])]);
      assert.notEqual(answer?.status, 404);
    });
    const once = [200, 200, 429];
    assert.deepEqual(await three("2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::3"), once);
    assert.deepEqual(await three("2001:db8:1:3::1", "2001:db8:1:3::1", "2001:db8:1:3::1"), once);
    assert.deepEqual(await three("::ffff:10.9.1.7", "::ffff:10.9.1.7", "::ffff:10.9.1.7"), once);
    assert.deepEqual(await three("::ffff:10.9.1.8", "::ffff:10.9.1.9", "::1"), [200, 200, 200]);
    assert.deepEqual(await three("10.9.1.8", "10.9.1.9", "10.9.1.10"), [200, 200, 200]);
  });

  /** Plain HTTP, with lines of headers. */
  const plainly = (lines: readonly string[], more: Partial<RawRequest> = {}) =>
    send("open", lines, { port: 80, sni: undefined, ...more });

  it("redirects plain HTTP with the method, but not what a proxy received by https, and serves neither", async () => {
    // What Istio answers for a rule without a backend.
    const refused = chosenIstio() === "1.31" ? 500 : 404;
    assert.deepEqual(
      await statuses({
        "a client's own": plainly([]),
        "by http through the proxy": plainly(["X-Forwarded-Proto: http"]),
        "by https through the proxy": plainly(["X-Forwarded-Proto: https"]),
        "by https through a proxy that spells it otherwise": plainly(["X-Forwarded-Proto: HTTPS"]),
        "by https through two proxies": plainly(["X-Forwarded-Proto: https,http"]),
        "by http through two proxies": plainly(["X-Forwarded-Proto: http, https"]),
        "a stranger that claims https": plainly(["X-Forwarded-Proto: https"], { from: CLIENT_OUTSIDE }),
      }),
      {
        "a client's own": 308,
        "by http through the proxy": 308,
        "by https through the proxy": refused,
        "by https through a proxy that spells it otherwise": refused,
        "by https through two proxies": refused,
        "by http through two proxies": 308,
        "a stranger that claims https": refused,
      },
    );
  });

  it("refuses clients that bypass the proxies", async () => {
    const detour = { from: CLIENT_OUTSIDE };
    assert.deepEqual(
      await statuses({
        guarded: send("guarded", [`X-Forwarded-For: ${FRIEND}`], detour),
        open: send("open", [], detour),
        "open, through the proxy": send("open", [`X-Forwarded-For: ${STRANGER}`]),
      }),
      { guarded: 403, open: 403, "open, through the proxy": 200 },
    );
  });

  it("refuses hosts that belong to no service, even if a route serves them", async () => {
    await theLab().kubectl(["create", "-f", "-"], STRAY);
    await eventually("the stray route in Envoy", 30_000, async () => {
      const dump = await theLab().inProxy("behind", ["curl", "-s", "http://127.0.0.1:15000/config_dump"]);
      assert.match(dump, new RegExp(`stray\\.${DOMAIN}:443`));
    });
    assert.deepEqual(await statuses({ stray: send("stray", []), unknown: send("unknown", []) }), {
      stray: 403,
      unknown: 403,
    });
  });

  it("uses the address in the PROXY protocol header, and nothing else", async () => {
    await deploy(STACK, values({ trustedProxies: 0, proxyProtocol: true }, false));
    const through = (name: string, client: string, lines: readonly string[] = [], from = PROXY) =>
      send(name, lines, { preface: proxyHeader(client, ADDRESS), from });
    await eventually("the new topology", 60_000, async () => {
      assert.deepEqual(await statuses({ friend: through("guarded", FRIEND) }), { friend: 200 });
    });
    assert.deepEqual(
      await statuses({
        stranger: through("guarded", STRANGER),
        "stranger, open host": through("open", STRANGER),
        "stranger that claims to be a friend": through("guarded", STRANGER, [`X-Forwarded-For: ${FRIEND}`]),
        "no header": send("open", []),
        "a load balancer without the address": send("guarded", [], { preface: "PROXY UNKNOWN\r\n" }),
        "bypassing the load balancer": through("guarded", FRIEND, [], CLIENT_OUTSIDE),
        stray: through("stray", STRANGER),
        "plain HTTP that claims https": plainly(["X-Forwarded-Proto: https"], {
          preface: proxyHeader(STRANGER, ADDRESS),
        }),
      }),
      {
        stranger: 403,
        "stranger, open host": 200,
        "stranger that claims to be a friend": 403,
        "no header": 0,
        "a load balancer without the address": 403,
        "bypassing the load balancer": 403,
        stray: 403,
        "plain HTTP that claims https": 308,
      },
    );
    await theLab().kubectl(["-n", "behind", "delete", "httproute", "stray"]);
    // An update, and the end and new start of the proxy.
  }).timeout(300_000);
});
