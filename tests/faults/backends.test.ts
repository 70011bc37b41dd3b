import assert from "node:assert/strict";
import { eventually } from "../../lab/processes";
import { request } from "../../lab/probe";
import { deploy, destroy, theLab, type Values } from "../e2e/support/lab";
import { eventuallyBy } from "./support/traffic";

/** What tests/e2e/resilience.test.ts leaves out; it covers single tries, timeouts and connections. */
const STACK = "faulty";
const DOMAIN = "faulty.test";
const NAMESPACE = "faulty-apps";

const service = (name: string, more: Values = {}): Values => ({ name, namespace: NAMESPACE, port: 8080, ...more });
const VALUES: Values = {
  domain: DOMAIN,
  gateway: { name: STACK, namespace: "faulty-system", address: "192.168.51.217" },
  services: [
    service("plain"),
    service("empty"),
    service("slow", { timeouts: { request: "1s" } }),
    service("ejected", {
      trafficPolicy: {
        outlierDetection: { consecutive5xxErrors: 3, interval: "1s", baseEjectionTime: "20s", maxEjectionPercent: 50 },
        loadBalancing: { type: "ROUND_ROBIN" },
      },
    }),
    service("spared", {
      retry: { attempts: 3, codes: [503] },
      trafficPolicy: { loadBalancing: { type: "ROUND_ROBIN" } },
    }),
    service("flapping", { retry: { attempts: 5, codes: [503] } }),
  ],
};

describe("backends", () => {
  const url = (host: string, query = "") => `https://${host}.${DOMAIN}/?${query}`;
  const statusOf = async (host: string, query = "") => (await request(theLab(), url(host, query))).status;
  /** Statuses of many requests, one after the other, on one connection. */
  const statuses = async (host: string, count: number, query = ""): Promise<number[]> => {
    const one = ["-o", "/dev/null", "-w", "%{http_code}\n", url(host, query)];
    const { stdout } = await theLab().run([
      "curl",
      "-sk",
      ...Array.from({ length: count }, (_, index) => (index === 0 ? one : ["--next", "-sk", ...one])).flat(),
    ]);
    return stdout.trim().split("\n").map(Number);
  };
  const addressesOf = async (host: string, count: number): Promise<Set<string>> => {
    const { stdout } = await theLab().run(["curl", "-sk", ...Array.from({ length: count }, () => url(host))]);
    return new Set([...stdout.matchAll(/"address":"([^"]+)"/g)].map(([, address = ""]) => address));
  };
  const twoEndpoints = async (host: string): Promise<string[]> => {
    await theLab().scale(NAMESPACE, host, 2);
    return eventually(`both endpoints of ${host}`, 60_000, async () => {
      const seen = [...(await addressesOf(host, 20))];
      assert.equal(seen.length, 2);
      return seen;
    });
  };

  before(async () => {
    await deploy(STACK, VALUES);
    await eventuallyBy(`flapping.${DOMAIN}`, "flapping");
  });
  after(() => destroy(STACK));

  it("none at all: 503 immediately, and 200 once there is one", async () => {
    const slice = ["endpointslice", "empty-lab", "-n", NAMESPACE];
    const saved = JSON.parse(await theLab().kubectl(["get", ...slice, "-o", "json"])) as { endpoints: unknown };
    const patch = (endpoints: unknown) =>
      theLab().kubectl([
        "patch",
        ...slice,
        "--type=json",
        "-p",
        JSON.stringify([{ op: "replace", path: "/endpoints", value: endpoints }]),
      ]);
    await patch([]);
    await eventually("the end of the endpoint", 60_000, async () => {
      const { status, body } = await request(theLab(), url("empty"));
      assert.deepEqual([status, body], [503, "no healthy upstream"]);
    });
    await patch(saved.endpoints);
    await eventuallyBy(`empty.${DOMAIN}`, "empty");
  });

  it("whose Service is gone: 500, as the Gateway API requires, and 200 when it is back", async () => {
    const object = ["service", "empty", "-n", NAMESPACE];
    const { metadata, ...rest } = JSON.parse(await theLab().kubectl(["get", ...object, "-o", "json"])) as {
      metadata: { name: string; namespace: string; labels?: unknown };
      spec: Values;
    };
    await theLab().kubectl(["delete", ...object]);
    try {
      await eventually("the end of the Service", 60_000, async () => assert.equal(await statusOf("empty"), 500));
    } finally {
      const { name, namespace, labels } = metadata;
      const back = JSON.stringify({ ...rest, status: undefined, metadata: { name, namespace, labels } });
      await theLab().kubectl(["apply", "--server-side", "--force-conflicts", "--field-manager=lab", "-f", "-"], back);
    }
    await eventuallyBy(`empty.${DOMAIN}`, "empty");
  });

  it("slow: 504 at the timeout, and the next request succeeds", async () => {
    assert.deepEqual(await statuses("slow", 3, "sleep=5000"), [504, 504, 504]);
    assert.equal(await statusOf("slow"), 200);
  });

  it("that resets in the middle of a body: the client gets an error, not a truncated success", async () => {
    for (const [version, exitCodes] of [
      ["--http2", [92]],
      ["--http1.1", [18, 56]],
    ] as const) {
      const { status, exitCode } = await request(theLab(), url("plain", "cut=1"), { curl: [version] });
      assert.ok(
        exitCodes.some((code) => code === exitCode),
        `${version}: curl exited with ${exitCode}, ${status}`,
      );
    }
    assert.equal(await statusOf("plain"), 200);
  });

  it("one of two that answers 503: it is ejected, the other serves everything, and it returns", async () => {
    const [bad = ""] = await twoEndpoints("ejected");
    const query = `status=503&at=${bad}`;
    // The exact number of failures that it takes is tested in tests/e2e/traffic.test.ts.
    await eventually("the ejection", 60_000, async () => {
      const seen = await statuses("ejected", 20, query);
      assert.deepEqual(new Set(seen), new Set([200]), seen.join(" "));
    });
    await eventually("the end of the ejection", 120_000, async () => {
      assert.equal((await addressesOf("ejected", 20)).size, 2);
    });
  });

  it("one of two that always fails: with retries, clients notice nothing", async () => {
    const [bad = ""] = await twoEndpoints("spared");
    for (const fault of ["status=503", "reset=1"]) {
      assert.deepEqual(new Set(await statuses("spared", 40, `${fault}&at=${bad}`)), new Set([200]), fault);
    }
  });

  it("that come and go: with retries, hardly any request fails", async () => {
    await twoEndpoints("flapping");
    const state = { isOver: false };
    const flapping = (async () => {
      for (let turn = 0; turn < 4; turn += 1) {
        await theLab().scale(NAMESPACE, "flapping", 1);
        await theLab().scale(NAMESPACE, "flapping", 2);
      }
    })().finally(() => (state.isOver = true));
    const seen: number[] = [];
    while (!state.isOver) {
      seen.push(...(await statuses("flapping", 50)));
    }
    await flapping;
    const failed = seen.filter((status) => status !== 200);
    assert.ok(seen.length >= 100);
    // Each of a request's tries may hit an endpoint that is just ending or coming back.
    assert.ok(failed.length <= seen.length / 100, `${failed.join()} of ${seen.length}`);
  });
});
