import assert from "node:assert/strict";
import { join } from "node:path";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { REPOSITORY } from "../../lab/paths";
import { request, stackOutputs, trustFile, type RequestOptions } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import type { Row } from "../../verify/row";
import { grpcCalls } from "./support/clients";
import { deploy, destroy, theLab, writeStack, type Values } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";

const STACK = "fault";
const DOMAIN = "fault.test";
const PAGE = "https://app.fault.test";

const service = (name: string, more: Values = {}) => ({ name, namespace: "fault", port: 8080, ...more });
const abort = { status: 503 };

const VALUES: Values = {
  domain: DOMAIN,
  gateway: {
    name: "fault",
    namespace: "fault-system",
    address: "192.168.51.132",
    clientAddress: { trustedProxies: 0 },
  },
  services: [
    service("plain"),
    service("aborted", { paths: ["/", "/api"], limits: { maxRequestSize: "1Mi" }, fault: { abort } }),
    service("teapot", { fault: { abort: { status: 418 } } }),
    service("half", { fault: { abort: { ...abort, percent: 50 } } }),
    service("delayed", { timeouts: { request: "1s" }, fault: { delay: { duration: "2s" } } }),
    service("both", { fault: { delay: { duration: "1s" }, abort } }),
    service("closed", { access: { allow: [`${CLIENT_INSIDE}/32`] }, fault: { abort } }),
    service("limited", { rateLimit: { type: "local", requests: 3, per: "hour" }, fault: { abort } }),
    service("pages", { cors: { allowOrigins: [PAGE], allowMethods: ["PUT"] }, fault: { abort } }),
    service("calls", { protocol: "grpc", fault: { abort } }),
    service("missing", { protocol: "grpc", fault: { abort: { status: 404 } } }),
  ],
};

describe("fault injection", () => {
  const url = (host: string, path = "/") => `https://${host}.${DOMAIN}${path}`;
  const ask = (host: string, path = "/", options: RequestOptions = {}) => request(theLab(), url(host, path), options);
  const outcome = async (host: string, path = "/", options: RequestOptions = {}) => {
    const { status, body } = await ask(host, path, options);
    return [status, body];
  };
  const ABORTED = [503, "fault filter abort"];

  before(async () => {
    await deploy(STACK, VALUES);
    await eventually("the routes", 30_000, async () => {
      assert.equal((await ask("plain")).status, 200);
      assert.deepEqual(await outcome("aborted"), ABORTED);
    });
  });
  after(() => destroy(STACK));

  it("answers with the status and Envoy's own body on every path, and no backend sees the request", async () => {
    const key = `aborted-${Date.now()}`;
    assert.deepEqual(await outcome("aborted", `/?key=${key}`), ABORTED);
    assert.deepEqual(await outcome("aborted", `/api?key=${key}`), ABORTED);
    assert.deepEqual(await outcome("teapot"), [418, ABORTED[1]]);
    assert.equal((await ask("plain", `/__count?key=${key}`)).body, "0");
  });

  it("leaves other services of the stack alone", async () => {
    const { status, body } = await ask("plain");
    assert.deepEqual([status, (JSON.parse(body) as { service: string }).service], [200, "plain"]);
  });

  /** Status and body of an answer, and the time that it took. Unit: milliseconds. */
  async function timed(host: string): Promise<{ answer: unknown[]; took: number }> {
    const start = Date.now();
    const { status, body } = await ask(host);
    return { answer: [status, body], took: Date.now() - start };
  }
  /** With tolerance for a slow machine. */
  function assertDelayed(took: number, delay: number): void {
    assert.ok(took >= delay * 0.95 && took < delay + 1500, `${took} ms, expected about ${delay} ms`);
  }

  it("delays requests, and the request timeout does not include the delay", async () => {
    const { answer, took } = await timed("delayed");
    assert.equal(answer[0], 200);
    assertDelayed(took, 2000);
  });

  it("delays requests that it aborts", async () => {
    const { answer, took } = await timed("both");
    assert.deepEqual(answer, ABORTED);
    assertDelayed(took, 1000);
  });

  it("aborts about the share that it is told to", async () => {
    const parallel = ["--parallel", "--parallel-max", "4", "--write-out", "%{http_code} ", "--config", "-"];
    const input = `url = "${url("half")}"\noutput = /dev/null\n`.repeat(200);
    const statuses = (await theLab().output(["curl", "-sk", ...parallel], { input })).trim().split(" ");
    const count = (status: string) => statuses.filter((seen) => seen === status).length;
    assert.deepEqual([statuses.length, count("200") + count("503")], [200, 200]);
    assert.ok(count("503") >= 50 && count("503") <= 150, `${count("503")} of 200`);
  });

  it("hits no request that an access rule or a rate limit refuses", async () => {
    assert.deepEqual(await outcome("closed", "/", { from: CLIENT_OUTSIDE }), [403, "RBAC: access denied"]);
    assert.deepEqual(await outcome("closed", "/", { from: CLIENT_INSIDE }), ABORTED);
    const statuses = [];
    for (let sent = 0; sent < 4; sent++) {
      statuses.push((await ask("limited")).status);
    }
    assert.deepEqual(statuses, [503, 503, 503, 429]);
  });

  it("lets preflights pass, and a page of another origin read the status", async () => {
    const origin = `origin: ${PAGE}`;
    const preflight = await ask("pages", "/", {
      headers: [origin, "access-control-request-method: PUT"],
      curl: ["--request", "OPTIONS"],
    });
    assert.deepEqual([preflight.status, preflight.headers["access-control-allow-methods"]], [200, "PUT"]);
    const { status, headers } = await ask("pages", "/", { headers: [origin] });
    assert.deepEqual([status, headers["access-control-allow-origin"]], [503, PAGE]);
  });

  it("answers gRPC calls with the code that the status maps to", async () => {
    const caFile = trustFile(STACK, await stackOutputs(theLab(), STACK)) ?? "";
    const codes = async (host: string) => {
      const [call] = await grpcCalls({ host: `${host}.${DOMAIN}`, caFile, method: "Unary" });
      return [call?.code, call?.details];
    };
    assert.deepEqual(await codes("calls"), [14, ABORTED[1]]);
    assert.deepEqual(await codes("missing"), [12, ABORTED[1]]);
  });

  it("is named by verify as the cause", async () => {
    const main = [process.execPath, "-r", "ts-node/register/transpile-only", join(REPOSITORY, "verify", "main.ts")];
    const options = ["--stack", STACK, "--config-file", writeStack(STACK, VALUES), "--json", "--no-cluster"];
    const { stdout } = await theLab().run([...main, ...options], { cwd: REPOSITORY });
    const { rows } = JSON.parse(stdout) as { rows: Row[] };
    const causeOf = (host: string) =>
      rows.filter(({ what, state }) => state === "failed" && what === `${url(host)} answers`).map(({ cause }) => cause);
    for (const host of ["aborted", "teapot", "calls"]) {
      assert.deepEqual(causeOf(host), ["fault.abort of the service answers a share of its requests on purpose"], host);
    }
    assert.deepEqual([causeOf("plain"), causeOf("delayed")], [[], []]);
  });

  it("is in Envoy's config behind whatever refuses, and nothing was rejected", async () => {
    const dump = await theLab().inProxy("fault", [
      "curl",
      "-s",
      "http://127.0.0.1:15000/config_dump?resource=dynamic_listeners",
    ]);
    const { configs } = JSON.parse(dump) as { configs: { active_state: { listener: Listener } }[] };
    const https = configs.find(({ active_state: { listener } }) => listener.name.endsWith("_443"));
    const filters = https?.active_state.listener.filter_chains
      .flatMap((chain) => chain.filters)
      .find(({ name }) => name === "envoy.filters.network.http_connection_manager")
      ?.typed_config.http_filters.map(({ name }) => name);
    assert.ok(filters);
    assert.deepEqual(
      filters.slice(1, 3),
      ["unified-gateway.route-keys", "envoy.filters.http.cors"],
      "right after the hardening, before whatever refuses",
    );
    assert.deepEqual(filters.slice(-5), [
      "unified-gateway.local-rate-limit",
      "unified-gateway.limits",
      "unified-gateway.fault",
      "unified-gateway.retry",
      "envoy.filters.http.router",
    ]);
    await assertNothingRejected("fault");
  });
});

interface Listener {
  readonly name: string;
  readonly filter_chains: {
    readonly filters: {
      readonly name: string;
      readonly typed_config: { readonly http_filters: { readonly name: string }[] };
    }[];
  }[];
}
