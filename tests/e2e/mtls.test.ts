import assert from "node:assert/strict";
import { eventually } from "../../lab/processes";
import { request, type Answer } from "../../lab/probe";
import { startWithSidecar } from "../../lab/sidecar";
import { deploy, destroy, pulumi, pulumiOk, theLab, writeStack, type Values } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";

const STACK = "mesh";
const DOMAIN = "mesh.test";
const NAMESPACE = "mesh-apps";
/** The gateway's identity, as a sidecar sees it. */
const GATEWAY_IDENTITY = "URI=spiffe://cluster.local/ns/mesh-system/sa/mesh-istio";
const QUICK = ["--max-time", "5"];
const STRICT = { strictNamespaces: [NAMESPACE] };

/** `secured`, `bare` and `bare-off` are the same pod with a sidecar; the others have no sidecar. */
const service = (name: string, port: number, tls?: string) => ({
  name,
  namespace: NAMESPACE,
  port,
  ...(tls === undefined ? {} : { trafficPolicy: { tls: { mode: tls } } }),
});

const values = (mtls?: Values): Values => ({
  domain: DOMAIN,
  gateway: { name: "mesh", namespace: "mesh-system", address: "192.168.51.121" },
  ...(mtls === undefined ? {} : { mtls }),
  services: [
    // A policy without tls must leave auto mTLS as it is.
    { ...service("secured", 8080), trafficPolicy: { connections: { maxConnections: 100 } } },
    service("bare", 9090),
    service("bare-off", 9090, "DISABLE"),
    service("plain", 8080),
    service("plain-off", 8080, "DISABLE"),
    service("plain-mutual", 8080, "ISTIO_MUTUAL"),
  ],
});

describe("mtls", function () {
  this.timeout(300_000);
  /** Address of the Pod with a sidecar. */
  let address = "";
  const get = (name: string, path = "/"): Promise<Answer> =>
    request(theLab(), `https://${name}.${DOMAIN}${path}`, { curl: QUICK });
  const direct = (): Promise<Answer> => request(theLab(), `http://${address}:8080/`, { curl: QUICK });
  const clientOf = ({ body }: Answer) =>
    (JSON.parse(body) as { headers: Record<string, string | undefined> }).headers["x-forwarded-client-cert"];

  async function assertMutualTls(): Promise<void> {
    const answer = await get("secured");
    assert.equal(answer.status, 200);
    assert.ok(clientOf(answer)?.endsWith(GATEWAY_IDENTITY), answer.body);
  }

  async function assertPlainText(name: string): Promise<void> {
    const answer = await get(name);
    assert.equal(answer.status, 200, name);
    assert.equal(clientOf(answer), undefined, name);
  }

  /** Sends 20 requests, half of them to the sidecar. Returns how many got each status. */
  async function load(): Promise<Record<string, number>> {
    const urls = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? "secured" : "plain"))
      .map((name) => `url = "https://${name}.${DOMAIN}/"\noutput = "/dev/null"\n`)
      .join("");
    const curl = ["curl", "-sk", "--parallel", "--parallel-max", "4", "--max-time", "30", "--config", "-"];
    const { stdout } = await theLab().run([...curl, "--write-out", "%{http_code}\n"], { input: urls });
    const counts: Record<string, number> = {};
    for (const status of stdout.trim().split("\n")) {
      counts[status] = (counts[status] ?? 0) + 1;
    }
    return counts;
  }

  /** Changes the stack under traffic, until a client without mTLS gets the status. No request may fail. */
  async function switchTo(mtls: Values | undefined, directStatus: number): Promise<void> {
    await theLab().take(STACK, writeStack(STACK, values(mtls)));
    const update = { done: false };
    const up = pulumiOk(STACK, ["up", "--yes", "--skip-preview"]).finally(() => (update.done = true));
    const loads = (async () => {
      // Counted from the end of the update, which takes long on a busy machine.
      let end = Infinity;
      for (let after = 0; after < 5; after += update.done && (await direct()).status === directStatus ? 1 : 0) {
        assert.deepEqual(await load(), { 200: 20 });
        end = update.done ? Math.min(end, Date.now() + 30_000) : end;
        assert.ok(Date.now() < end, `a client without mTLS still does not get ${directStatus}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    await Promise.all([up, loads]);
  }

  before(async () => {
    await deploy(STACK, values());
    address = await startWithSidecar(theLab(), {
      service: "secured",
      namespace: NAMESPACE,
      port: 8080,
      barePort: 9090,
      bareServices: ["bare", "bare-off"],
    });
    await eventually("the routes", 30_000, async () => {
      for (const name of ["secured", "plain", "bare-off", "plain-off"]) {
        assert.equal((await get(name)).status, 200, name);
      }
      assert.notEqual(clientOf(await get("secured")), undefined);
    });
  });
  after(() => destroy(STACK));

  it("uses mutual TLS with a sidecar, and plain text without one", async () => {
    await assertMutualTls();
    await assertPlainText("plain");
    assert.equal((await direct()).status, 200, "without STRICT, a sidecar accepts plain text too");
  });

  it("turns STRICT on under traffic without a failed request", () => switchTo(STRICT, 0));

  it("refuses plain text at a sidecar, and serves everything else as before", async () => {
    const { status, exitCode } = await direct();
    assert.equal(status, 0);
    // Envoy closes the connection without an answer.
    assert.ok([52, 56].includes(exitCode), `curl exited with ${exitCode}`);
    await assertMutualTls();
    await assertPlainText("plain");
  });

  it("reaches a port that bypasses its sidecar only with TLS turned off for it", async () => {
    // The pod's label promises a sidecar, so auto mTLS uses TLS with a port that does not support it.
    assert.equal((await get("bare")).status, 503);
    await assertPlainText("bare-off");
  });

  it("sticks to plain text or mutual TLS if the config says so", async () => {
    await assertPlainText("plain-off");
    assert.equal((await get("plain-mutual", "/?key=mutual")).status, 503);
    const plain = theLab().snapshot.backends.find(({ service: name }) => name === "plain-mutual");
    const { body } = await request(theLab(), `http://${plain?.address ?? ""}:8080/__count?key=mutual`);
    assert.equal(body, "0", "a request arrived in plain text");
  });

  it("reaches backends without a sidecar if a mesh-wide rule demands TLS for them", async () => {
    const rule = {
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { name: "mesh-test", namespace: "istio-system" },
      spec: { host: `*.${NAMESPACE}.svc.cluster.local`, trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } },
    };
    await theLab().kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify(rule));
    try {
      await eventually("the rule", 30_000, async () => assert.equal((await get("plain")).status, 503));
      await assertPlainText("plain-off");
    } finally {
      await theLab().kubectl(["delete", "destinationrule", "mesh-test", "-n", "istio-system"]);
    }
    await eventually("its end", 30_000, () => assertPlainText("plain"));
  });

  it("allows plain text to an excepted port, and still uses mutual TLS itself", async () => {
    const exception = { name: "agents", namespace: NAMESPACE, matchLabels: { app: "secured" }, ports: [8080] };
    await switchTo({ ...STRICT, exceptions: [exception] }, 200);
    await assertMutualTls();
  });

  it("removes the exception under traffic without a failed request", () => switchTo(STRICT, 0));

  it("allows plain text to an excepted workload, and no longer without the exception", async () => {
    const exception = { name: "agents", namespace: NAMESPACE, matchLabels: { app: "secured" } };
    await switchTo({ ...STRICT, exceptions: [exception] }, 200);
    await assertMutualTls();
    await switchTo(STRICT, 0);
  });

  it("turns STRICT off under traffic without a failed request", () => switchTo(undefined, 200));

  it("does not override an existing policy of a namespace", async () => {
    const policy = {
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name: "default", namespace: "mesh-system" },
      spec: { mtls: { mode: "PERMISSIVE" } },
    };
    const target = ["peerauthentication", "default", "-n", "mesh-system"];
    await theLab().kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify(policy));
    try {
      await theLab().take(STACK, writeStack(STACK, values({ strictNamespaces: ["mesh-system"] })));
      for (const [command, said] of [
        [["preview"], /1 new object cannot be created, nothing was changed:\s+PeerAuthentication mesh-system\/default/],
        [["up", "--yes", "--skip-preview"], /conflict|already exists/],
      ] as const) {
        const { code, stdout, stderr } = await pulumi(STACK, command);
        assert.notEqual(code, 0);
        assert.match(stdout + stderr, said);
      }
      assert.equal(await theLab().kubectl(["get", ...target, "-o", "jsonpath={.spec.mtls.mode}"]), "PERMISSIVE");
    } finally {
      await theLab().kubectl(["delete", ...target]);
    }
  });

  it("has no proxy that rejects its config", async () => {
    await assertNothingRejected("mesh");
  });
});
