import assert from "node:assert/strict";
import { kubeconfigPath } from "../../lab/controlPlane";
import { eventually } from "../../lab/processes";
import { ensureOptional } from "../../lab/tools";
import { deploy, destroy, pulumiOk, theLab, type Values } from "../e2e/support/lab";

/** Longest time to build external-dns's sources. Unit: milliseconds. */
const FIRST_BUILD_MS = 30 * 60_000;
const STACK = "external-dns";
const DOMAIN = "published.test";
const NAMESPACE = "published-system";
/** Those that see what this program and Istio make; the last two are Istio's own Gateways and VirtualServices. */
const SOURCES = [
  "gateway-httproute",
  "gateway-grpcroute",
  "service",
  "ingress",
  "istio-gateway",
  "istio-virtualservice",
];

/** The one of releases before 0.22, and the one of later ones. */
const PREFIXES = ["external-dns.alpha.kubernetes.io/", "external-dns.kubernetes.io/"];

const service = (name: string, more: Values = {}) => ({ name, namespace: "published", port: 8080, ...more });
const values = (gateway: Values) => ({
  domain: DOMAIN,
  gateway: { name: "published", namespace: NAMESPACE, externalDns: { ttl: "1m" }, ...gateway },
  services: [
    service("web"),
    service("calls", { port: 50051, protocol: "grpc" }),
    service("api", { host: `web.${DOMAIN}`, paths: ["/api"] }),
  ],
});

describe("external-dns", function () {
  this.timeout(300_000);
  let program: string;

  before(async function () {
    this.timeout(FIRST_BUILD_MS);
    program = await ensureOptional("external-dns");
  });
  after(() => destroy(STACK));

  const published = async (prefix: string) => {
    const sources = SOURCES.map((source) => `--source=${source}`);
    const said = await theLab().output([
      program,
      `--kubeconfig=${kubeconfigPath()}`,
      "--provider=inmemory",
      `--annotation-prefix=${prefix}`,
      ...sources,
    ]);
    const lines = said.split("\n").filter((line) => line.includes(`${DOMAIN}.`));
    return [...new Set(lines)].sort();
  };
  const listed = async () =>
    (JSON.parse(await pulumiOk(STACK, ["stack", "output", "dnsRecords", "--json"])) as string[]).sort();

  for (const [what, gateway] of Object.entries({
    "at an address that the stack requests": { address: "192.168.51.126" },
    "at the address that the load balancer assigns": {},
  })) {
    it(`publishes what dnsRecords lists, ${what}`, async () => {
      await deploy(STACK, values(gateway));
      await eventually("the records", 30_000, async () => {
        const records = await listed();
        assert.equal(records.length, 2, "a host of two services has one record");
        for (const prefix of PREFIXES) {
          assert.deepEqual(await published(prefix), records, prefix);
        }
      });
    });
  }

  it("publishes the target, times and annotations of the config, and nothing of a service that says so", async () => {
    const config = values({ externalDns: { ttl: "1m", target: "edge.cdn.test" } });
    const own = { externalDns: { ttl: "10s", annotations: { "aws-weight": "7" } } };
    const services = [...config.services, service("own", own), service("silent", { externalDns: false })];
    await deploy(STACK, { ...config, services });
    const records = await listed();
    assert.equal(records.length, 4);
    assert.ok(records.includes(`own.${DOMAIN}. 10 IN CNAME edge.cdn.test.`), records.join("\n"));
    for (const prefix of PREFIXES) {
      assert.deepEqual(
        await published(prefix),
        records.filter((line) => !line.startsWith("silent.")).map((line) => line.replace(/\.$/, "")),
        prefix,
      );
    }
    const route = await theLab().kubectl([
      "get",
      "httproute",
      "own.published.published-system",
      "-n",
      "published",
      "-o",
      "yaml",
    ]);
    assert.match(route, /external-dns\.kubernetes\.io\/aws-weight: "7"/);
  });

  it("would publish the redirect's wildcard without the annotation", async () => {
    const route = ["httproute/published--https-redirect", "-n", NAMESPACE];
    for (const prefix of PREFIXES) {
      await theLab().kubectl(["annotate", ...route, `${prefix}controller-`]);
      assert.ok((await published(prefix)).some((line) => line.startsWith(`*.${DOMAIN}. `)));
    }
  });
});
