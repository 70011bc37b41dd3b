import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { eventually } from "../../lab/processes";
import { request, type RequestOptions } from "../../lab/probe";
import type { Args, Mode } from "./clients/rude";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";

const STACK = "hardening";
const DOMAIN = "hardening.test";

const service = (name: string, more: Values = {}) => ({ name, namespace: "hardening", port: 8080, ...more });

/** Short limits, to keep the test short. */
const HARDENING = {
  maxConnections: 30,
  transportSocketConnectTimeout: "2s",
  requestHeadersTimeout: "2s",
  requestTimeout: "4s",
  streamIdleTimeout: "3s",
  idleTimeout: "2s",
  maxRequestHeadersSize: "16Ki",
  maxHeadersCount: 30,
  maxConcurrentStreams: 10,
};

const VALUES: Values = {
  domain: DOMAIN,
  gateway: { name: "hardening", namespace: "hardening-system", address: "192.168.51.115", hardening: HARDENING },
  services: [
    service("web", { paths: ["/", { path: "/admin", backends: [{ service: "admin" }] }] }),
    service("small", { limits: { maxRequestSize: 100_000 } }),
    service("patient", { limits: { streamIdleTimeout: "0s" } }),
  ],
};

/** Compiled once, because it runs many times. */
const RUDE = transpileModule(readFileSync(join(__dirname, "clients", "rude.ts"), "utf8"), {
  compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022 },
}).outputText;

interface Echo {
  service: string;
  path: string;
  headers: Record<string, string>;
}

describe("hardening", () => {
  const web = (path = "/", options: RequestOptions = {}) =>
    request(theLab(), `https://web.${DOMAIN}${path}`, { ...options, curl: ["--http1.1", ...(options.curl ?? [])] });
  const plain = (path = "/", options: RequestOptions = {}) => request(theLab(), `http://web.${DOMAIN}${path}`, options);

  /** Runs a rude client and returns what it saw. */
  async function rude<T>(mode: Mode, args: Partial<Args>): Promise<T> {
    const command = [process.execPath, "-", mode, JSON.stringify({ host: `web.${DOMAIN}`, ...args })];
    return JSON.parse(await theLab().output(command, { input: RUDE })) as T;
  }

  /** A body of this many bytes, for curl. */
  const bytes = (count: number) => ["--data-binary", `@${bodyFile(count)}`];
  const files = new Map<number, string>();
  const bodyFile = (count: number) => files.get(count) ?? "";

  before(async () => {
    for (const count of [64_000, 200_000]) {
      const file = (await theLab().output(["mktemp"])).trim();
      await theLab().output(["truncate", "--size", String(count), file]);
      files.set(count, file);
    }
    await deploy(STACK, VALUES);
    await eventually("the routes and the limits", 30_000, async () => {
      for (const host of ["web", "small", "patient"]) {
        const { status, headers } = await request(theLab(), `https://${host}.${DOMAIN}/`);
        assert.deepEqual([status, headers.server], [200, undefined]);
      }
      assert.equal(
        (await request(theLab(), `https://small.${DOMAIN}/`, { curl: bytes(200_000) })).status === 200,
        false,
      );
    });
  });
  after(async () => {
    await theLab().run(["rm", "-f", ...files.values()]);
    await destroy(STACK);
  });

  interface Closed {
    closed: boolean;
    ms: number;
    answer: string;
  }

  /** Asserts that the gateway closed a connection after a time, with tolerance for a slow machine. */
  function assertClosed({ closed, ms }: Closed, limitMs: number): void {
    assert.ok(closed, `still open after ${ms} ms`);
    assert.ok(ms >= limitMs * 0.9, `closed after ${ms} ms, expected no less than ${limitMs}`);
  }

  const HEADERS = { head: `GET / HTTP/1.1\r\nHost: web.${DOMAIN}\r\n`, drip: "a: b\r\n" };
  const BODY = {
    head: `POST /?sleep=12000 HTTP/1.1\r\nHost: web.${DOMAIN}\r\nContent-Length: 100000\r\n\r\n`,
    drip: "x",
  };

  it("disconnects slow clients and rapid resets, while a good client loses no request", async () => {
    const attack = { over: false };
    const attacks = Promise.all([
      rude<Closed>("drip", HEADERS),
      rude<Closed>("drip", { ...HEADERS, plain: true }),
      rude<Closed>("drip", BODY),
      rude<Closed>("handshake", {}),
      rude<{ sent: number; closed: boolean }>("resets", { count: 3000, path: "/?sleep=1000" }),
    ]).finally(() => (attack.over = true));
    let sent = 0;
    let answered = 0;
    const config = `url = "https://web.${DOMAIN}/"\n`.repeat(50);
    while (!attack.over) {
      const curl = ["curl", "-sk", "--parallel", "--parallel-max", "4", "--max-time", "30", "--config", "-"];
      const { stdout } = await theLab().run(curl, { input: config });
      sent += 50;
      answered += stdout.match(/"service":"web"/g)?.length ?? 0;
    }
    const [headers, plainHeaders, body, handshake, resets] = await attacks;
    assert.equal(answered, sent);
    assert.ok(sent >= 100, `only ${sent} requests of the good client`);
    assertClosed(headers, 2000);
    assertClosed(plainHeaders, 2000);
    assertClosed(body, 4000);
    assertClosed(handshake, 2000);
    assert.equal(headers.answer, "HTTP/1.1 408 Request Timeout");
    assert.equal(plainHeaders.answer, "HTTP/1.1 408 Request Timeout");
    assert.equal(body.answer, "HTTP/1.1 408 Request Timeout");
    // Envoy's own limit: more than half of 500 streams of a connection reset early.
    assert.equal(resets.closed, true, `${resets.sent} resets were tolerated`);
    assert.ok(resets.sent < 1500, `${resets.sent} resets were tolerated`);
  });

  it("closes an idle connection", async () => {
    const idle = await rude<Closed>("drip", { head: `GET / HTTP/1.1\r\nHost: web.${DOMAIN}\r\n\r\n` });
    assert.equal(idle.answer, "HTTP/1.1 200 OK");
    assertClosed(idle, 2000);
  });

  it("ends a silent request, except for a service with a longer limit", async () => {
    assert.equal((await web("/?sleep=4500")).status, 504);
    assert.equal((await request(theLab(), `https://patient.${DOMAIN}/?sleep=4500`)).status, 200);
  });

  it("refuses connections above the limit, and serves the existing ones", async () => {
    const { first, second } = await rude<{ first: number; second: number }>("connections", { count: 40 });
    assert.deepEqual([first, second], [30, 30]);
    assert.equal((await web()).status, 200, "there is room again");
  });

  it("limits the concurrent streams of a connection", async () => {
    interface Streams {
      maxConcurrentStreams: number;
      initialWindowSize: number;
      statuses: number[];
      ms: number;
    }
    const seen = await rude<Streams>("streams", { count: 25, path: "/?sleep=300" });
    assert.deepEqual([seen.maxConcurrentStreams, seen.initialWindowSize], [10, 65_536]);
    assert.deepEqual(seen.statuses, Array<number>(25).fill(200));
    assert.ok(seen.ms >= 900, `25 streams of 300 ms took ${seen.ms} ms: more than 10 at once`);
  });

  it("answers 431 to large headers and to too many, on both ports", async () => {
    const large = (size: number) => ({ headers: [`x-large: ${"x".repeat(size)}`] });
    const many = (count: number) => ({ headers: Array.from({ length: count }, (_, index) => `x-${index}: 1`) });
    assert.equal((await web("/", large(15_000))).status, 200);
    assert.equal((await web("/", large(17_000))).status, 431);
    assert.equal((await web("/", many(25))).status, 200);
    assert.equal((await web("/", many(31))).status, 431);
    assert.equal((await plain("/", large(15_000))).status, 301);
    assert.equal((await plain("/", large(17_000))).status, 431);
    assert.equal((await plain("/", many(31))).status, 431);
  });

  it("refuses headers with underscores, on both ports and protocols", async () => {
    const headers = ["x_admin: true"];
    assert.equal((await web("/", { headers })).status, 400);
    assert.equal((await plain("/", { headers })).status, 400);
    // curl's exit code 92: the stream was reset.
    assert.equal((await request(theLab(), `https://web.${DOMAIN}/`, { headers })).exitCode, 92);
  });

  it("answers 413 to a body over a service's limit, and the backend sees none of it", async () => {
    // The echo server counts by key, for as long as the lab runs.
    const [fits, large] = [`fits-${Date.now()}`, `large-${Date.now()}`];
    const post = (path: string, count: number, ...curl: string[]) =>
      request(theLab(), `https://small.${DOMAIN}${path}`, { curl: ["--http1.1", ...bytes(count), ...curl] });
    assert.equal((await post(`/?key=${fits}`, 64_000)).status, 200);
    assert.equal((await post(`/?key=${large}`, 200_000)).status, 413);
    assert.equal((await post(`/?key=${large}`, 200_000, "--header", "transfer-encoding: chunked")).status, 413);
    const http2 = { host: `small.${DOMAIN}`, path: `/?key=${large}`, size: 200_000 };
    assert.deepEqual(await rude("upload", http2), { status: 413 });
    const count = async (key: string) => (await request(theLab(), `https://small.${DOMAIN}/__count?key=${key}`)).body;
    assert.deepEqual([await count(fits), await count(large)], ["1", "0"]);
    assert.deepEqual(await rude("upload", { size: 10_000_000 }), { status: 200 }, "other services accept any body");
  });

  for (const [path, backend, seen] of [
    ["//admin", "admin", "/admin"],
    ["/x/../admin", "admin", "/admin"],
    ["/x/%2e%2e/admin", "admin", "/admin"],
    ["/x\\..\\admin", "admin", "/admin"],
    ["/admin/./../", "web", "/"],
  ] as const) {
    it(`normalizes ${path} to ${seen} before routing`, async () => {
      const { service: name, path: arrived } = JSON.parse((await web(path)).body) as Echo;
      assert.deepEqual([name, arrived], [backend, seen]);
    });
  }

  it("redirects escaped slashes to the unescaped path, and refuses what is not a path", async () => {
    for (const path of ["/x%2F..%2fadmin", "/x%5C..%5Cadmin"]) {
      const { status, headers } = await web(path);
      assert.deepEqual([status, headers.location], [307, "/admin"]);
    }
    assert.equal((await web("/%00")).status, 400);
    const { status, headers } = await plain("//admin/../x");
    assert.deepEqual([status, headers.location], [301, `https://web.${DOMAIN}/x`]);
  });

  const FORGED = [
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-external-address",
    "x-envoy-force-trace",
    "x-envoy-internal",
    "x-envoy-max-retries",
    "x-envoy-original-host",
    "x-envoy-original-path",
    "x-envoy-peer-metadata",
    "x-envoy-peer-metadata-id",
    "x-envoy-retry-on",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-ms",
    "x-forwarded-client-cert",
    "x-forwarded-proto",
  ];
  for (const from of [CLIENT_INSIDE, CLIENT_OUTSIDE]) {
    it(`trusts no internal header from ${from}`, async () => {
      // As a timeout, 1 ms would end the request.
      const { status, body } = await web("/?sleep=100", { from, headers: FORGED.map((name) => `${name}: 1`) });
      assert.equal(status, 200);
      const { headers } = JSON.parse(body) as Echo;
      const arrived = Object.entries(headers).filter(([name]) => FORGED.includes(name));
      assert.deepEqual(Object.fromEntries(arrived), {
        "x-envoy-attempt-count": "1",
        "x-envoy-decorator-operation": `web.hardening.svc.cluster.local:8080/*`,
        "x-envoy-expected-rq-timeout-ms": "60000",
        "x-envoy-external-address": from,
        "x-forwarded-proto": "https",
      });
      assert.equal(headers["x-forwarded-for"], from);
    });
  }

  it("discloses nothing internal to clients", async () => {
    const answers = [
      await web(),
      await web("/?status=500"),
      await web("/?sleep=4500"),
      await plain(),
      await web("/%00"),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 500, 504, 301, 400],
    );
    const names = answers.flatMap(({ headers }) => Object.keys(headers));
    assert.deepEqual(
      names.filter((name) => name === "server" || name.startsWith("x-envoy-")),
      [],
    );
  });

  it("has its patches in Envoy on both ports, and none was rejected", async () => {
    const admin = (path: string) => theLab().inProxy("hardening", ["curl", "-s", `http://127.0.0.1:15000/${path}`]);
    const dump = await admin("config_dump?resource=dynamic_listeners");
    for (const value of ['"max_connections": "30"', '"per_connection_buffer_limit_bytes": 32768', "header_mutation"]) {
      assert.equal(dump.split(value).length - 1 >= 2, true, value);
    }
    await assertNothingRejected("hardening");
  });
});
