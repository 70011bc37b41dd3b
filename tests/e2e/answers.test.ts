import assert from "node:assert/strict";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { request, stackOutputs, trustFile, type Answer, type RequestOptions } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { bypasses } from "./support/bypasses";
import { grpcCalls } from "./support/clients";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { http1, type RawRequest, sendRaw } from "./support/raw";
import { assertNothingRejected } from "./support/rejects";
import { verified, words } from "./support/verified";

const STACK = "answers";
const DOMAIN = "answers.test";
const ADDRESS = "192.168.51.141";

/** What Envoy or Lua or YAML could take for something else, and characters of several bytes. */
const BODY = "<p>%REQ(:path)% 100% ${host} \\1 \"q\" 'ü' 😀</p>\n  {{ .Values }}\n";
const inside = { allow: [`${CLIENT_INSIDE}/32`] };
const service = (name: string, more: Values = {}) => ({ name, namespace: "answers", port: 8080, ...more });

const VALUES: Values = {
  domain: DOMAIN,
  gateway: {
    name: "answers",
    namespace: "answers-system",
    address: ADDRESS,
    clientAddress: { trustedProxies: 0 },
    hsts: { maxAge: "1h" },
  },
  services: [
    service("plain"),
    service("moved", {
      redirect: { host: "www.elsewhere.test" },
      responseHeaders: { set: { "x-set": "${host}" } },
      paths: [
        "/",
        { path: "/a", redirect: { path: "/b", status: 301 } },
        { path: "/b", redirect: false },
        { path: "/c", redirect: { prefix: "/d/", status: 303 } },
        { path: "/d", backends: [{ service: "plain" }] },
        { path: "/e", redirect: { scheme: "http", host: "h.elsewhere.test", port: 8080, prefix: "/x", status: 307 } },
        { path: "/f", type: "Exact", redirect: { host: "plain.answers.test", port: 444, status: 308 } },
      ],
    }),
    service("rooted", { redirect: { host: "www.elsewhere.test", prefix: "/new" } }),
    service("fixed", {
      responseHeaders: { set: { "x-set": "${clientAddress} 100%" }, add: { "x-own": "two" }, remove: ["x-removed"] },
      respond: {
        status: 200,
        headers: { "x-own": "one 100% %%", "x-removed": "x", "set-cookie": "a=1" },
        body: BODY,
        contentType: "text/html; charset=utf-8",
      },
      paths: ["/", { path: "/empty", respond: { status: 204 } }, { path: "/gone", respond: { status: 410 } }],
    }),
    service("away", { maintenance: { retryAfter: "5m", body: "back soon\n", allow: [`${CLIENT_INSIDE}/32`] } }),
    service("nobody", { maintenance: {}, responseHeaders: { add: { "x-added": "once" } } }),
    service("denied", {
      paths: ["/", { path: "/admin", deny: true }, { path: "/hidden", deny: { status: 404 } }],
    }),
    service("closed", { access: inside, respond: { status: 200, body: "secret" } }),
    service("closed-moved", { access: inside, redirect: { host: "secret.elsewhere.test" } }),
    service("closed-away", { access: inside, maintenance: { body: "secret" } }),
    service("limited", { rateLimit: { type: "local", requests: 2, per: "hour" }, respond: { status: 200 } }),
    service("calls", {
      protocol: "grpc",
      paths: ["/", { path: "/lab.Echo", maintenance: { body: "back soon" } }, { path: "/lab.Other", deny: true }],
    }),
    service("readable", { plainHttp: true, hsts: false, respond: { status: 200, body: "plain" } }),
  ],
};

describe("answers", () => {
  const url = (host: string, path = "/") => `https://${host}.${DOMAIN}${path}`;
  const ask = (host: string, path = "/", options: RequestOptions = {}) => request(theLab(), url(host, path), options);
  const told = ({ status, body, headers }: Answer) => [status, body, headers["strict-transport-security"]];
  const HSTS = "max-age=3600";

  before(async () => {
    await deploy(STACK, VALUES);
    await eventually("the routes", 60_000, async () => {
      assert.equal((await ask("plain")).status, 200);
      assert.equal((await ask("fixed")).status, 200);
      assert.equal((await ask("moved")).status, 302);
    });
  });
  after(() => destroy(STACK));

  it("Envoy takes every part", () => assertNothingRejected(STACK));

  it("redirects by host, scheme, port, path and prefix, with each status, and keeps the query", async () => {
    const expected: Record<string, [number, string]> = {
      "/x/y?q=1": [302, "https://www.elsewhere.test/x/y?q=1"],
      "/a/y?q=1": [301, `https://moved.${DOMAIN}/b?q=1`],
      "/c": [303, `https://moved.${DOMAIN}/d`],
      "/c/y%20z?q=1": [303, `https://moved.${DOMAIN}/d/y%20z?q=1`],
      "/e/y": [307, "http://h.elsewhere.test:8080/x/y"],
      "/f?q": [308, `https://plain.${DOMAIN}:444/f?q`],
    };
    for (const [path, [status, location]] of Object.entries(expected)) {
      const answer = await ask("moved", path);
      assert.deepEqual([answer.status, answer.headers.location, answer.body], [status, location, ""], path);
      assert.equal(answer.headers["strict-transport-security"], HSTS, path);
      assert.equal(answer.headers["x-set"], `moved.${DOMAIN}`, path);
    }
    const rooted = async (path: string) => (await ask("rooted", path)).headers.location;
    assert.equal(await rooted("/x"), "https://www.elsewhere.test/new/x");
    assert.equal(await rooted("/"), "https://www.elsewhere.test/new/");
  });

  it("serves where a path turns the redirect off, or has backends of its own", async () => {
    for (const [path, name] of Object.entries({ "/b": "moved", "/d/x": "plain" })) {
      const { status, body } = await ask("moved", path);
      assert.deepEqual([status, (JSON.parse(body) as { service: string }).service], [200, name]);
    }
  });

  it("answers byte for byte, with the headers of the answer and of responseHeaders", async () => {
    const { status, headers, body } = await ask("fixed", "/any?x=1");
    assert.deepEqual([status, body], [200, BODY]);
    const address = String(headers["x-set"]).split(" ");
    assert.deepEqual([address.length, address[1]], [2, "100%"]);
    assert.match(address[0] ?? "", /^\d+\.\d+\.\d+\.\d+$/);
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    assert.equal(headers["content-length"], String(Buffer.byteLength(BODY)));
    assert.equal(headers["strict-transport-security"], HSTS);
    assert.equal(headers["set-cookie"], "a=1");
    assert.equal(headers["x-removed"], undefined);
    assert.equal(headers.server, undefined);
    const empty = await ask("fixed", "/empty");
    assert.deepEqual(told(empty), [204, "", HSTS]);
    assert.equal(empty.headers["content-type"], undefined);
    assert.deepEqual(told(await ask("fixed", "/gone/x")), [410, "", HSTS]);
  });

  it("adds values of one header, and replaces those that are set", async () => {
    const [answer] = await sendRaw([
      { address: ADDRESS, sni: `fixed.${DOMAIN}`, text: http1([`Host: fixed.${DOMAIN}`]) },
    ]);
    const lines = (answer?.text ?? "").split("\r\n").filter((line) => line.startsWith("x-own:"));
    assert.deepEqual(lines, ["x-own: one 100% %%", "x-own: two"]);
  });

  it("answers HEAD without a body, HTTP/1.1 and HTTP/2, and requests with bodies", async () => {
    const length = String(Buffer.byteLength(BODY));
    for (const version of ["--http1.1", "--http2"]) {
      const head = await ask("fixed", "/", { curl: [version, "--head"] });
      assert.deepEqual([head.status, head.body, head.headers["content-length"]], [200, "", length], version);
      const post = await ask("fixed", "/", { curl: [version, "--data", "a=1"] });
      assert.deepEqual([post.status, post.body], [200, BODY], version);
      const moved = await ask("moved", "/x", { curl: [version, "--head"] });
      assert.deepEqual([moved.status, moved.headers.location], [302, "https://www.elsewhere.test/x"], version);
    }
  });

  it("is in maintenance for everyone but named clients, and no backend sees the others", async () => {
    const key = `away-${Date.now()}`;
    const away = await ask("away", `/?key=${key}`, { from: CLIENT_OUTSIDE });
    assert.deepEqual(told(away), [503, "back soon\n", HSTS]);
    assert.equal(away.headers["retry-after"], "300");
    assert.equal((await ask("away", `/__count?key=${key}`, { from: CLIENT_INSIDE })).body, "0");
    assert.equal((await ask("away", `/?key=${key}`, { from: CLIENT_INSIDE })).status, 200);
    assert.equal((await ask("away", `/__count?key=${key}`, { from: CLIENT_INSIDE })).body, "1");
    const forged = { from: CLIENT_OUTSIDE, headers: [`X-Forwarded-For: ${CLIENT_INSIDE}`] };
    assert.equal((await ask("away", "/", forged)).status, 503);
    const nobody = await ask("nobody", "/", { from: CLIENT_INSIDE });
    assert.deepEqual([told(nobody), nobody.headers["x-added"]], [[503, "", HSTS], "once"]);
  });

  it("asks who may enter first, and counts answers for limits", async () => {
    for (const host of ["closed", "closed-moved", "closed-away"]) {
      const refused = await ask(host, "/", { from: CLIENT_OUTSIDE });
      assert.deepEqual([refused.status, refused.body], [403, "RBAC: access denied"], host);
      assert.doesNotMatch(JSON.stringify(refused.headers), /secret/, host);
    }
    assert.equal((await ask("closed", "/", { from: CLIENT_INSIDE })).body, "secret");
    const statuses = [];
    for (let count = 0; count < 3; count++) {
      statuses.push((await ask("limited")).status);
    }
    assert.deepEqual(statuses, [200, 200, 429]);
  });

  it("denies a path, however it is written, and nothing else", async () => {
    const host = `denied.${DOMAIN}`;
    const send = (text: string): RawRequest => ({ address: ADDRESS, sni: host, text });
    const path = (target: string, ...lines: string[]) =>
      send(http1([`Host: ${host}`, ...lines], `GET ${target} HTTP/1.1`));
    const method = (name: string, ...lines: string[]) =>
      send(http1([`Host: ${host}`, "Content-Length: 0", ...lines], `${name} /admin HTTP/1.1`));
    const cases: Record<string, [RawRequest, number]> = {
      "the path": [path("/admin"), 403],
      "below it": [path("/admin/x"), 403],
      "a slash at the end": [path("/admin/"), 403],
      "a query": [path("/admin?x=1"), 403],
      "two slashes": [path("//admin"), 403],
      "two slashes inside": [path("/x/..//admin//x"), 403],
      dots: [path("/x/../admin"), 403],
      "a dot": [path("/./admin"), 403],
      "encoded dots": [path("/x/%2e%2e/admin"), 403],
      "an encoded letter": [path("/%61dmin"), 403],
      "an encoded slash": [path("/%2Fadmin"), 307],
      "a backslash": [path("/x\\..\\admin"), 403],
      "an absolute request line": [send(http1([`Host: ${host}`], `GET https://${host}/admin HTTP/1.1`)), 403],
      HEAD: [method("HEAD"), 403],
      POST: [method("POST"), 403],
      OPTIONS: [method("OPTIONS"), 403],
      "a method of no one's": [method("PURGE"), 403],
      "another method in a header": [method("POST", "X-HTTP-Method-Override: GET", "X-Original-URL: /"), 403],
      "another path in a header": [path("/admin", "X-Rewrite-URL: /", "X-Envoy-Original-Path: /"), 403],
      "an upgrade": [path("/admin", "Upgrade: websocket"), 403],
      "HTTP/2": [
        {
          address: ADDRESS,
          sni: host,
          http2: { ":method": "GET", ":path": "/admin", ":scheme": "https", ":authority": host },
        },
        403,
      ],
      "a hidden one": [path("/hidden/x"), 404],
      // Other paths, for Envoy as for most backends: docs/access.md.
      "another case": [path("/Admin"), 200],
      "a parameter": [path("/admin;x=1"), 200],
      "a longer name": [path("/administrator"), 200],
      "a dot at the end": [path("/admin."), 200],
      "another path": [path("/x/admin"), 200],
    };
    const answers = await sendRaw(Object.values(cases).map(([raw]) => raw));
    const statuses = Object.fromEntries(Object.keys(cases).map((name, index) => [name, answers[index]?.status]));
    assert.deepEqual(statuses, Object.fromEntries(Object.entries(cases).map(([name, [, status]]) => [name, status])));
    assert.doesNotMatch(answers.map(({ text }) => text).join(), /fault filter/);
  });

  it("cannot be told to answer whom access refuses", async () => {
    const attempts = bypasses({
      address: ADDRESS,
      from: CLIENT_OUTSIDE,
      guarded: `closed.${DOMAIN}`,
      open: `plain.${DOMAIN}`,
    });
    const answers = await sendRaw(Object.values(attempts).map(([raw]) => raw));
    const statuses = Object.fromEntries(Object.keys(attempts).map((name, index) => [name, answers[index]?.status]));
    assert.deepEqual(
      statuses,
      Object.fromEntries(Object.entries(attempts).map(([name, [, status]]) => [name, status])),
    );
    assert.doesNotMatch(answers.map(({ text }) => text).join(), /secret/);
  });

  it("refuses calls of gRPC with its own codes", async () => {
    const caFile = trustFile(STACK, await stackOutputs(theLab(), STACK)) ?? "";
    const [call] = await grpcCalls({ host: `calls.${DOMAIN}`, caFile, method: "Unary" });
    assert.deepEqual([call?.code, call?.details], [14, "back soon"]);
  });

  it("answers without TLS too where plainHttp asks for it", async () => {
    const plain = await request(theLab(), `http://readable.${DOMAIN}/`);
    assert.deepEqual([plain.status, plain.body], [200, "plain"]);
    assert.equal((await request(theLab(), `http://moved.${DOMAIN}/x`)).headers.location, url("moved", "/x"));
  });

  it("is what verify expects", async () => {
    // The limit of the service `limited` is used up.
    const services = (VALUES.services as Values[]).filter(({ name }) => name !== "limited");
    const rows = await verified(STACK, { ...VALUES, services }, "--no-cluster", "--from", CLIENT_INSIDE);
    const own = rows.filter(({ what }) => /redirects to|itself|refuses with|maintenance/.test(what));
    assert.ok(own.length >= 12, words(own));
    assert.ok(
      own.every(({ state }) => state === "ok"),
      words(rows),
    );
    assert.deepEqual(
      rows.filter(({ state }) => state === "failed"),
      [],
      words(rows),
    );
  });
});
