import assert from "node:assert/strict";
import { CLIENT_INSIDE } from "../../lab/addresses";
import { OUTSIDE } from "../../lab/clusterDns";
import { request, stackOutputs, trustFile } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { grpcCalls } from "./support/clients";
import { deploy, destroy, prepare, theLab, type Values } from "./support/lab";
import { verified, words } from "./support/verified";

const STACK = "external";
const DOMAIN = "external.test";
const ADDRESS = "192.168.51.145";
const FAR = "external-far";
const NAMESPACE = "external";

/** What stands for hosts outside: Services that only the cluster's DNS leads to. */
const INSIDE = [
  { name: "partner", namespace: FAR, port: 8080 },
  { name: "raw", namespace: FAR, port: 8080 },
  { name: "calls", namespace: FAR, port: 8080, protocol: "grpc" },
  { name: "vault", namespace: FAR, port: 8443, protocol: "tls-passthrough", host: "vault.elsewhere.test" },
  { name: "sealed", namespace: FAR, port: 8443, protocol: "tls-passthrough", host: "sealed.elsewhere.test" },
];
const outside = (name: string) => `${name}.${FAR}.svc.${OUTSIDE}`;
const PARTNER = { host: outside("partner"), port: 8080 };
const service = (name: string, backends: readonly Values[], more: Values = {}): Values => ({
  name,
  namespace: NAMESPACE,
  port: 8080,
  backends,
  trafficPolicy: { tls: { mode: "DISABLE" } },
  ...more,
});
const values = (address: string): Values => ({
  domain: DOMAIN,
  gateway: { name: "external", namespace: "external-system", address: ADDRESS, clientAddress: { trustedProxies: 0 } },
  services: [
    ...INSIDE,
    service("by-name", [PARTNER]),
    service("mixed", [{ service: "near" }, PARTNER]),
    service("kept", [PARTNER], { rewrite: { hostname: `kept.${DOMAIN}` } }),
    service("by-address", [{ address, port: 8080 }]),
    service("caller", [{ host: outside("calls"), port: 8080 }], { protocol: "grpc" }),
    service("untrusted", [{ host: outside("vault"), port: 8443 }], { trafficPolicy: undefined }),
    service("unknown", [{ host: outside("nobody"), port: 8080 }]),
    service("passed", [{ host: outside("sealed"), port: 8443 }], {
      protocol: "tls-passthrough",
      host: "passed.elsewhere.test",
      trafficPolicy: undefined,
    }),
    service("stream", [{ host: outside("raw"), port: 8080 }], {
      protocol: "tcp",
      listenPort: 5440,
      trafficPolicy: undefined,
    }),
  ],
});

interface Echo {
  readonly service: string;
  readonly headers: Readonly<Record<string, string>>;
}

describe("external", () => {
  let all: Values = {};
  const ask = async (name: string) => {
    const { status, body } = await request(theLab(), `https://${name}.${DOMAIN}/`);
    assert.equal(status, 200, `${name}: ${body}`);
    return JSON.parse(body) as Echo;
  };

  before(async () => {
    await prepare(STACK, values("192.0.2.1"));
    const jsonPath = "jsonpath={.endpoints[0].addresses[0]}";
    all = values(await theLab().kubectl(["get", "endpointslice", "partner-lab", "-n", FAR, "-o", jsonPath]));
    await deploy(STACK, all);
    await eventually("every route", 60_000, async () => {
      for (const name of ["by-name", "mixed", "kept", "by-address"]) {
        await ask(name);
      }
    });
  });
  after(() => destroy(STACK));

  it("are asked by their own name, without what is the mesh's", async () => {
    const { service: who, headers } = await ask("by-name");
    assert.deepEqual([who, headers.host], ["partner", PARTNER.host]);
    const internal = Object.keys(headers).filter((name) => /peer-metadata|client-cert/.test(name));
    assert.deepEqual(internal, []);
  });

  it("see another Host if the service says so, and the client's at an address", async () => {
    const kept = await ask("kept");
    assert.deepEqual([kept.service, kept.headers.host], ["partner", `kept.${DOMAIN}`]);
    const byAddress = await ask("by-address");
    assert.deepEqual([byAddress.service, byAddress.headers.host], ["partner", `by-address.${DOMAIN}`]);
  });

  it("share requests with Services, each with its own Host", async () => {
    const seen = new Set<string>();
    for (let index = 0; index < 30; index += 1) {
      const { service: who, headers } = await ask("mixed");
      seen.add(`${who} ${headers.host ?? ""}`);
    }
    assert.deepEqual([...seen].sort(), [`near mixed.${DOMAIN}`, `partner ${PARTNER.host}`]);
  });

  it("take calls of gRPC", async () => {
    const caFile = trustFile(STACK, await stackOutputs(theLab(), STACK)) ?? "";
    await eventually("the call", 30_000, async () => {
      const [call] = await grpcCalls({ host: `caller.${DOMAIN}`, caFile, method: "Unary" });
      assert.deepEqual([call?.code, call?.answers[0]?.service], [0, "calls"]);
    });
  });

  it("get nothing without a certificate for their name that is trusted", async () => {
    const { status, body } = await request(theLab(), `https://untrusted.${DOMAIN}/?key=untrusted`);
    assert.equal(status, 503);
    assert.match(body, /^upstream connect error/);
    const count = await request(theLab(), `https://by-name.${DOMAIN}/__count?key=untrusted`);
    assert.equal(count.body, "0", "the echo server is one process for all backends");
  });

  it("that DNS does not know: 503 at once", async () => {
    const { status, body } = await request(theLab(), `https://unknown.${DOMAIN}/`);
    assert.deepEqual([status, body], [503, "no healthy upstream"]);
  });

  it("take connections as they are", async () => {
    const raw = await request(theLab(), `http://${ADDRESS}:5440/`, { from: CLIENT_INSIDE });
    assert.deepEqual([raw.status, raw.headers["x-backend"]], [200, "raw"]);
    const resolve = ["--resolve", `passed.elsewhere.test:443:${ADDRESS}`];
    const passed = await request(theLab(), "https://passed.elsewhere.test/", { curl: resolve });
    assert.deepEqual([passed.status, passed.headers["x-backend"]], [200, "sealed"]);
  });

  it("are known to the gateway alone", async () => {
    const entries = JSON.parse(await theLab().kubectl(["get", "serviceentries", "-n", NAMESPACE, "-o", "json"])) as {
      items: { spec: { exportTo: string[]; hosts: string[] } }[];
    };
    assert.equal(entries.items.length, 7);
    assert.ok(entries.items.every(({ spec }) => spec.exportTo.join() === "external-system"));
  });

  it("are in verify, with the cause of what fails", async () => {
    const rows = await verified(STACK, all, "--from", CLIENT_INSIDE, "--address", ADDRESS);
    const known = rows.filter(({ what }) => what.startsWith("Istio knows "));
    assert.equal(known.length, 7, words(rows));
    assert.ok(known.every(({ state }) => state === "ok"));
    const cause = (host: string) => rows.find(({ what, state }) => state === "failed" && what.includes(host))?.cause;
    assert.match(cause(`untrusted.${DOMAIN}`) ?? "", /^vault\S+:8443 does not answer, or its certificate is not one/);
    assert.match(cause(`unknown.${DOMAIN}`) ?? "", /DNS does not know nobody/);
  });
});
