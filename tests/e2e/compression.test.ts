import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { brotliDecompressSync, constants, gunzipSync } from "node:zlib";
import { stackOutputs, trustFile } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { labPath } from "../../lab/state";
import { grpcCalls, webSocket } from "./support/clients";
import { deploy, destroy, theLab } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";

const STACK = "compression";
const DOMAIN = "compression.test";
const ALL = "gzip, deflate, br";

const DECODERS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  br: (body) => brotliDecompressSync(body, { finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  gzip: (body) => gunzipSync(body, { finishFlush: constants.Z_SYNC_FLUSH }),
};

describe("compression", () => {
  const service = (name: string, more: object = {}) => ({ name, namespace: "compression", port: 8080, ...more });
  before(async () => {
    await deploy(STACK, {
      domain: DOMAIN,
      gateway: { name: "compression", namespace: "compression-system", address: "192.168.51.138" },
      defaults: { compression: {} },
      services: [
        service("web", { paths: ["/", { path: "/account", compression: false }] }),
        service("gzipped", { compression: { algorithms: ["gzip", "brotli"], contentTypes: ["image/png"] } }),
        service("events", { compression: { contentTypes: ["text/event-stream"] } }),
        service("plain", { compression: false }),
        service("calls", { protocol: "grpc" }),
      ],
    });
    await eventually("the routes", 30_000, async () => {
      assert.equal((await ask("plain", "/")).status, 200);
      assert.equal((await ask("web", "/?size=2000", ALL)).headers["content-encoding"], "br");
    });
  });
  after(() => destroy(STACK));

  /** One request, with its body as it was sent and decoded. */
  async function ask(host: string, path: string, accepted?: string, curl: readonly string[] = []) {
    const file = labPath("compression-answer");
    const header = accepted === undefined ? [] : ["--header", `accept-encoding: ${accepted}`];
    const options = ["--silent", "--insecure", "--include", "--output", file, ...header, ...curl];
    await theLab().run(["curl", ...options, `https://${host}.${DOMAIN}${path}`]);
    const answer = readFileSync(file);
    const split = answer.indexOf("\r\n\r\n");
    const [first = "", ...lines] = answer.subarray(0, split).toString().split("\r\n");
    const headers: Record<string, string | undefined> = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
    );
    const sent = answer.subarray(split + 4);
    const body = DECODERS[headers["content-encoding"] ?? ""]?.(sent) ?? sent;
    return { status: Number(first.split(" ")[1]), headers, sent: sent.length, body: body.toString() };
  }
  const PAGE = "/?size=5000&header=etag:%22a%22&header=content-type:text/html;charset=utf-8";
  const page = "x".repeat(5000);

  it("is what the client accepts, by its weights or else by the order of the algorithms", async () => {
    for (const [host, path, accepted, coding] of [
      ["web", PAGE, ALL, "br"],
      ["web", PAGE, "gzip", "gzip"],
      ["web", PAGE, "br;q=0.5, gzip;q=0.9", "gzip"],
      ["gzipped", PAGE.replace("text/html;charset=utf-8", "image/png"), ALL, "gzip"],
    ] as const) {
      const { status, headers, sent, body } = await ask(host, path, accepted);
      assert.deepEqual([status, headers["content-encoding"], headers.vary], [200, coding, "Accept-Encoding"]);
      assert.deepEqual([headers["content-length"], headers.etag], [undefined, 'W/"a"']);
      assert.equal(body, page);
      assert.ok(sent < 200, `${sent} bytes`);
    }
  });

  it("leaves answers alone for clients that accept none, and says that others get another", async () => {
    for (const accepted of [undefined, "identity", "zstd", "br;q=0"]) {
      const { headers, body } = await ask("web", PAGE, accepted);
      assert.deepEqual(
        [headers["content-encoding"], headers["content-length"], headers.etag],
        [undefined, "5000", '"a"'],
      );
      assert.deepEqual([headers.vary, body], ["Accept-Encoding", page]);
    }
  });

  it("leaves alone what is small, compressed, partial, of another type, or not to be transformed", async () => {
    for (const more of [
      "?size=1000",
      "?size=5000&header=content-type:image/png",
      "?size=5000&header=content-type:text/event-stream",
      "?size=5000&header=content-encoding:zstd",
      "?size=5000&header=cache-control:no-transform",
      "?size=5000&status=206&header=content-range:bytes%200-4999/9000",
    ]) {
      const { headers, sent } = await ask("web", `/${more}`, ALL);
      assert.equal(headers["content-length"], String(sent), more);
      assert.equal(headers["content-encoding"], more.includes("zstd") ? "zstd" : undefined, more);
    }
  });

  it("is off for a path and a service that turn it off, which do not say that it might be", async () => {
    for (const [host, path] of [
      ["web", `/account${PAGE.slice(1)}`],
      ["plain", PAGE],
    ] as const) {
      const { headers, body } = await ask(host, path, ALL);
      assert.deepEqual([headers["content-encoding"], headers.vary, headers.etag], [undefined, undefined, '"a"']);
      assert.equal(body, page);
    }
  });

  it("adds no body to answers without one", async () => {
    const head = await ask("web", PAGE, ALL, ["--head"]);
    assert.deepEqual([head.status, head.headers["content-encoding"], head.sent], [200, undefined, 0]);
    for (const status of [204, 304]) {
      const { headers, sent, ...answer } = await ask("web", `/?status=${status}`, ALL);
      assert.deepEqual([answer.status, headers["content-encoding"], sent], [status, undefined, 0]);
    }
  });

  it("tells backends what the client accepts", async () => {
    const { body } = await ask("web", "/?x=1", ALL);
    assert.equal((JSON.parse(body) as { headers: Record<string, string> }).headers["accept-encoding"], ALL);
  });

  it("holds nothing back: what has been sent can be read before the answer ends", async () => {
    for (const [host, type] of [
      ["web", "text/html"],
      ["events", "text/event-stream"],
    ] as const) {
      for (const [accepted, coding] of [
        ["br", "br"],
        ["gzip", "gzip"],
      ] as const) {
        const path = `/?size=40000&over=10000&header=content-type:${type}`;
        const { headers, body } = await ask(host, path, accepted, ["--max-time", "2"]);
        assert.equal(headers["content-encoding"], coding);
        assert.ok(body.length >= 2000 && body.length <= 12_000, `${body.length} bytes within 2 s of 10`);
      }
    }
  });

  it("leaves WebSocket and gRPC alone", async () => {
    const caFile = trustFile(STACK, await stackOutputs(theLab(), STACK)) ?? "";
    const { received, cut } = await webSocket({ url: `wss://web.${DOMAIN}/`, caFile, silence: 0 });
    assert.deepEqual([received.slice(1), cut], [["first", "second"], false]);
    const [call] = await grpcCalls({ host: `calls.${DOMAIN}`, caFile, method: "Unary" });
    assert.equal(call?.code, 0);
  });

  it("is in Envoy's config, and nothing was rejected", () => assertNothingRejected(STACK));
});
