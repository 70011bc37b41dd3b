import assert from "node:assert/strict";
import { eventually } from "../../lab/processes";
import { request, stackOutputs, trustFile } from "../../lab/probe";
import { grpcCalls, webSocket } from "./support/clients";
import type { GrpcTask } from "./support/clients/grpc";
import { deploy, destroy, theLab, type Values } from "./support/lab";

const STACK = "protocols";
const DOMAIN = "protocols.test";
const OVERRIDE = { headers: { "x-canary": "true" } };

const service = (name: string, more: Values) => ({ name, namespace: "protocols", port: 8080, ...more });

const VALUES: Values = {
  domain: DOMAIN,
  gateway: { name: "protocols", namespace: "protocols-system", address: "192.168.51.151" },
  services: [
    service("echo", {
      protocol: "grpc",
      paths: [
        "/",
        { path: "/lab.Echo/Other", backends: [{ service: "other", namespace: "protocols-far" }] },
        {
          path: "/lab.Echo",
          name: "beta",
          match: { headers: { "user-type": "beta" } },
          backends: [{ service: "beta" }],
        },
      ],
      responseHeaders: { set: { "x-answer": "ours" } },
    }),
    service("split", { protocol: "grpc", canary: { service: "split-next", percent: 20, override: OVERRIDE } }),
    service("limited", { protocol: "grpc", rateLimit: { type: "local", requests: 5, per: "hour" } }),
    service("mirrored", { protocol: "grpc", mirror: { service: "copy" } }),
    service("copy", { protocol: "grpc" }),
    service("versioned", {
      protocol: "grpc",
      canary: { percent: 0, override: OVERRIDE, versions: { selector: { app: "versioned" }, targetPort: 9090 } },
      trafficPolicy: { connections: { maxConnections: 7 } },
    }),
    service("shared-page", { host: `shared.${DOMAIN}` }),
    service("shared-calls", { host: `shared.${DOMAIN}`, protocol: "grpc", paths: ["/lab.Echo"] }),
    service("socket", { timeouts: { request: "2s" } }),
    service("plain", {
      canary: {
        percent: 20,
        override: OVERRIDE,
        versions: { selector: { app: "plain" }, label: "track", stable: "old", canary: "new" },
      },
    }),
  ],
};

describe("protocols", () => {
  let caFile = "";
  const calls = (host: string, task: Partial<GrpcTask> = {}) =>
    grpcCalls({ host: `${host}.${DOMAIN}`, caFile, method: "Unary", ...task });
  const call = async (host: string, task: Partial<GrpcTask> = {}) => {
    const [first] = await calls(host, task);
    assert.ok(first);
    return first;
  };

  before(async function () {
    this.timeout(300_000);
    await deploy(STACK, VALUES);
    caFile = trustFile(STACK, await stackOutputs(theLab(), STACK)) ?? "";
    await eventually("the routes", 30_000, async () => {
      assert.equal((await request(theLab(), `https://plain.${DOMAIN}/`)).status, 200);
      assert.equal((await call("versioned")).code, 0);
    });
  });
  after(() => destroy(STACK));

  describe("gRPC", () => {
    it("shares a host with http, by path", async () => {
      const { code, answers } = await call("shared");
      assert.deepEqual([code, answers.map((answer) => answer.service)], [0, ["shared-calls"]]);
      for (const path of ["", "lab.Echos/Unary", "anything"]) {
        const { status, headers } = await request(theLab(), `https://shared.${DOMAIN}/${path}`);
        assert.deepEqual([status, headers["x-backend"]], [200, "shared-page"], path);
      }
    });

    it("answers a unary call, with metadata and trailers", async () => {
      const { code, answers, trailers } = await call("echo", { metadata: { "x-asked": "this" } });
      assert.equal(code, 0);
      assert.deepEqual(
        answers.map((answer) => [answer.service, answer.metadata["x-asked"]]),
        [["echo", "this"]],
      );
      assert.equal(trailers["x-trailer"], "echo");
    });

    it("streams every message from the server", async () => {
      const { code, answers, trailers, took } = await call("echo", {
        method: "Stream",
        request: { messages: 20, sleep: 50 },
      });
      assert.equal(code, 0);
      assert.equal(answers.length, 20);
      assert.equal(trailers["x-trailer"], "echo");
      assert.ok(took >= 1000, `${took} ms`);
    });

    it("passes on status codes with their details and trailers", async () => {
      for (const status of [5, 7, 16]) {
        const { code, details, trailers } = await call("echo", { request: { status } });
        assert.deepEqual([code, details, trailers["x-trailer"]], [status, `status ${status} was asked for`, "echo"]);
      }
    });

    it("routes by method and by metadata", async () => {
      const backend = async (task: Partial<GrpcTask>) => (await call("echo", task)).answers[0]?.service;
      assert.equal(await backend({ method: "Other" }), "other");
      assert.equal(await backend({ method: "Unary" }), "echo");
      assert.equal(await backend({ metadata: { "user-type": "beta" } }), "beta");
      assert.equal(await backend({ method: "Other", metadata: { "user-type": "beta" } }), "other");
    });

    it("ends a call at the client's deadline, and not before", async () => {
      const late = await call("echo", { request: { sleep: 3000 }, deadline: 1000 });
      // The client and Envoy both count 1,000 ms. If Envoy is first, the client gets its 504 as UNAVAILABLE, as gRPC maps it.
      assert.ok(late.code === 4 || (late.code === 14 && /timeout/.test(late.details)), `${late.code}: ${late.details}`);
      assert.ok(late.took >= 950 && late.took < 3000, `${late.took} ms`);
      const { code, answers } = await call("echo", { request: { sleep: 1500 }, deadline: 10_000 });
      assert.equal(code, 0);
      const left = Number(answers[0]?.metadata["x-envoy-expected-rq-timeout-ms"]);
      assert.ok(left > 5000 && left <= 10_000, `the backend sees ${left} ms left`);
    });

    it("gives the canary its share of 500 calls, and all calls with the override's metadata", async () => {
      const backends = async (count: number, metadata = {}) =>
        (await calls("split", { calls: count, metadata })).flatMap(({ answers }) => answers.map((one) => one.service));
      const seen = await backends(500);
      assert.equal(seen.length, 500);
      const canary = seen.filter((name) => name === "split-next").length;
      // The 99.9 % bound of a binomial distribution.
      assert.ok(Math.abs(canary - 100) <= 3.29 * Math.sqrt(500 * 0.2 * 0.8), `${canary} of 500`);
      assert.deepEqual(await backends(20, { "x-canary": "true" }), Array<string>(20).fill("split-next"));
    });

    it("rejects calls above the limit with RESOURCE_EXHAUSTED", async () => {
      const codes = (await calls("limited", { calls: 8 })).map(({ code }) => code);
      assert.deepEqual(codes, [0, 0, 0, 0, 0, 8, 8, 8]);
    });

    it("sends a copy of each call to the mirror", async () => {
      await calls("mirrored", { calls: 3, request: { key: "m" } });
      await eventually("the copies", 5_000, async () => {
        // This call counts too, and each try of it.
        const tries = (await call("copy", { request: { key: "m", status: 0 } })).answers[0]?.count ?? 0;
        assert.ok(tries >= 4, `${tries} calls reached the mirror`);
      });
    });

    it("reaches pods through the Services that it creates", async () => {
      const backend = async (metadata = {}) => (await call("versioned", { metadata })).answers[0]?.service;
      assert.equal(await backend(), "versioned-stable");
      assert.equal(await backend({ "x-canary": "true" }), "versioned-canary");
      const rules = await theLab().kubectl([
        "get",
        "destinationrules",
        "-n",
        "protocols-system",
        "-o",
        "jsonpath={.items[*].spec.host}",
      ]);
      assert.deepEqual(rules.split(" ").sort(), [
        "versioned-canary.protocols.svc.cluster.local",
        "versioned-stable.protocols.svc.cluster.local",
      ]);
    });
  });

  describe("versions", () => {
    it("gives each version its share, and all requests with the override's header", async () => {
      const config = Array.from({ length: 500 }, (_, n) => `url = "https://plain.${DOMAIN}/?n=${n}"\n`).join("");
      const curl = ["curl", "-sk", "--parallel", "--parallel-max", "8", "--max-time", "60", "--config", "-"];
      const { stdout } = await theLab().run(curl, { input: config });
      const seen = [...stdout.matchAll(/"service":"([^"]+)"/g)].map(([, name]) => name);
      assert.equal(seen.length, 500);
      const canary = seen.filter((name) => name === "plain-canary").length;
      assert.ok(Math.abs(canary - 100) <= 3.29 * Math.sqrt(500 * 0.2 * 0.8), `${canary} of 500`);
      assert.equal(seen.filter((name) => name === "plain-stable").length, 500 - canary);
      const answer = await request(theLab(), `https://plain.${DOMAIN}/`, { headers: ["x-canary: true"] });
      assert.equal(answer.headers["x-backend"], "plain-canary");
    });

    it("selects pods by the version's label", async () => {
      const slice = async (name: string) =>
        theLab().kubectl([
          "get",
          "endpointslices",
          "-n",
          "protocols",
          "-l",
          `kubernetes.io/service-name=${name}`,
          "-o",
          "jsonpath={.items[*].endpoints[*].targetRef.name}",
        ]);
      assert.equal(await slice("plain-stable"), "plain-stable");
      assert.equal(await slice("plain-canary"), "plain-canary");
    });
  });

  describe("WebSocket", () => {
    const talk = (silence: number) => webSocket({ url: `wss://socket.${DOMAIN}/chat?x=1`, caFile, silence });
    const greeting = JSON.stringify({ service: "socket", path: "/chat?x=1" });

    it("carries messages both ways over TLS", async () => {
      const { received, refused, cut } = await talk(0);
      assert.deepEqual([received, refused, cut], [[greeting, "first", "second"], undefined, false]);
    });

    it("outlives the request timeout", async () => {
      const { received, cut, lasted } = await talk(6000);
      assert.deepEqual([received, cut], [[greeting, "first", "second"], false]);
      assert.ok(lasted >= 6000, `${lasted} ms`);
    });
  });
});
