import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HandshakesReport } from "../../lab/handshakes";
import { list, tlsSecret } from "../../lab/manifests";
import { REPOSITORY } from "../../lab/paths";
import { eventually } from "../../lab/processes";
import { request } from "../../lab/probe";
import { labPath } from "../../lab/state";
import { selfSigned, testAuthority, type TestAuthority } from "../support/certificates";
import { startHandshakes, type Handshakes } from "../e2e/support/handshakes";
import { deploy, destroy, pulumiOk, theLab, writeStack, type Values } from "../e2e/support/lab";

const STACK = "rotation";
const DOMAIN = "rotation.test";
const SECRET = "rotation--wildcard-rotation-test-tls";
const HOST = `web.${DOMAIN}`;

const ROTATIONS = 10;
/** Longest time from a Secret's change to its certificate on the wire. */
const SERVED_WITHIN_MS = 5_000;
/** Longest time for the load's first request. */
const START_MS = 60_000;

interface Entry {
  name: string;
  namespace: string;
  address: string;
}
/**
 * Two gateways, because one that is recreated while Envoy still drains its predecessor's listener keeps serving the old
 * certificate until the Secret changes again.
 */
const OURS: Entry = { name: "rotation", namespace: "rotation-system", address: "192.168.51.152" };
const OTHERS: Entry = { name: "rotation-others", namespace: "rotation-others-system", address: "192.168.51.153" };

const values = (gateway: Entry, certificate: Values): Values => ({
  domain: DOMAIN,
  gateway: { ...gateway },
  certificate,
  services: [{ name: "web", namespace: "rotation-apps", port: 8080 }],
});

interface Secret {
  data: Record<string, string>;
  metadata: { uid: string; managedFields: { time: string }[] };
}

/** The Secret's certificate, and when it was written, in whole seconds, rounded down. */
async function secretNow(namespace: string): Promise<{ serial: string; uid: string; changed: number }> {
  const said = await theLab().kubectl([
    "get",
    "secret",
    SECRET,
    "-n",
    namespace,
    "-o",
    "json",
    "--show-managed-fields",
  ]);
  const { data, metadata } = JSON.parse(said) as Secret;
  const certificate = new X509Certificate(Buffer.from(data["tls.crt"] ?? "", "base64"));
  const changed = Math.max(...metadata.managedFields.map(({ time }) => Date.parse(time)));
  return { serial: certificate.serialNumber, uid: metadata.uid, changed };
}

describe("rotation under load", function () {
  this.timeout(600_000);
  const reports: HandshakesReport[] = [];
  const delays: number[] = [];

  /** Rotates under load, waits for each new certificate to be served, and checks what the clients saw. */
  async function rotates(
    { address, namespace }: Entry,
    atLeast: number,
    steps: readonly (() => Promise<unknown>)[],
    caFile?: string,
  ): Promise<void> {
    const load: Handshakes = startHandshakes({
      address,
      host: HOST,
      caFile,
      concurrency: 16,
      perSecond: 40,
      atLeast,
      atMost: 24_000,
      maxSeconds: 600,
    });
    const before = await secretNow(namespace);
    const expected = [before];
    try {
      await load.firstSight(before.serial, START_MS);
      for (const step of steps) {
        await step();
        const now = await secretNow(namespace);
        assert.notEqual(now.serial, expected.at(-1)?.serial);
        assert.equal(now.uid, before.uid, "a new Secret leaves the listener without its certificate for a while");
        expected.push(now);
        const delay = (await load.firstSight(now.serial, SERVED_WITHIN_MS)) - now.changed;
        assert.ok(delay < SERVED_WITHIN_MS, `served after ${delay} ms`);
        delays.push(delay);
      }
    } catch (error) {
      console.error(await load.stop());
      throw error;
    }
    const report = await load.stop();
    reports.push(report);
    assert.deepEqual([report.failures, report.reasons], [0, []]);
    assert.deepEqual(
      report.served.map(({ serial }) => serial),
      expected.map(({ serial }) => serial),
    );
    report.served.slice(0, -1).forEach(({ last }, index) => {
      const stale = last - (expected[index + 1]?.changed ?? 0);
      assert.ok(stale < SERVED_WITHIN_MS, `the old certificate was served for another ${stale} ms`);
    });
    assert.ok(report.requests >= atLeast);
  }

  const up = () => pulumiOk(STACK, ["up", "--yes", "--skip-preview"]);
  /** The key's URN, found as in docs/operations.md. */
  const newKey = async () => {
    const page = readFileSync(join(REPOSITORY, "docs", "operations.md"), "utf8");
    const [, pattern = ""] = /pulumi up --replace "\$\(pulumi stack --show-urns \| grep -o '(.+)'\)"/.exec(page) ?? [];
    const urns = await pulumiOk(STACK, ["stack", "--show-urns"]);
    const key = execFileSync("grep", ["-o", pattern], { input: urns, encoding: "utf8" }).trim();
    assert.match(key, /^urn:\S+tls:index\/privateKey:PrivateKey::\S+$/);
    return () => pulumiOk(STACK, ["up", "--yes", "--skip-preview", "--replace", key]);
  };
  const answers = () =>
    eventually("the route", 30_000, async () =>
      assert.equal((await request(theLab(), `https://${HOST}/`)).status, 200),
    );

  describe("by pulumi up", () => {
    before(async () => {
      await deploy(STACK, values(OURS, { type: "self-signed" }));
      await answers();
    });
    after(() => destroy(STACK));

    it("self-signed: ten new keys and certificates", async () => {
      await rotates(OURS, 3_500, Array<() => Promise<unknown>>(ROTATIONS).fill(await newKey()));
    });

    it("ca-signed: from self-signed, eight new keys, and to another CA", async () => {
      const lab = theLab();
      const [first, second] = await Promise.all(
        ["First CA", "Second CA"].map((name) => testAuthority(365, true, name)),
      );
      assert.ok(first && second);
      const own = await lab.kubectl([
        "get",
        "secret",
        SECRET,
        "-n",
        OURS.namespace,
        "-o",
        "jsonpath={.data.tls\\.crt}",
      ]);
      const trusted = labPath("rotation-trusted.pem");
      const pems = [Buffer.from(own, "base64").toString("utf8"), first.certificatePem, second.certificatePem];
      writeFileSync(trusted, pems.join("\n"));
      const signedBy = async ({ certificatePem, privateKeyPem }: TestAuthority) => {
        const certificate = { type: "ca-signed", keyAlgorithm: "rsa-2048", caCertificate: certificatePem };
        await lab.take(STACK, writeStack(STACK, values(OURS, certificate)));
        const path = "istio-gateway:certificate.caPrivateKey";
        const set = ["pulumi", "config", "set", "--secret", "--path", path, "--stack", STACK, "--non-interactive"];
        await lab.output(set, { input: privateKeyPem });
        await up();
      };
      const keys = Array<() => Promise<unknown>>(ROTATIONS - 2).fill(await newKey());
      await rotates(OURS, 3_500, [() => signedBy(first), ...keys, () => signedBy(second)], trusted);
    });
  });

  describe("by others", () => {
    const existing = "rotation-existing";
    before(async () => {
      await deploy(existing, values(OTHERS, { type: "existing", secretName: SECRET }));
      await answers();
    });
    after(async () => {
      await destroy(existing);
      // Created by the lab: if the lab keeps running, it would block a stack that creates its own.
      await theLab().kubectl(["delete", "secret", SECRET, "-n", OTHERS.namespace]);
    });

    /** Writes a new pair to the Secret, as the field manager that created it. */
    const write = async (annotations: Record<string, string> = {}) => {
      const dnsNames = [`*.${DOMAIN}`, DOMAIN];
      const { certificatePem, privateKeyPem } = await selfSigned({
        commonName: DOMAIN,
        dnsNames,
        uses: ["server_auth"],
      });
      const secret = tlsSecret(SECRET, OTHERS.namespace, certificatePem, privateKeyPem);
      const metadata = { ...(secret.metadata as object), annotations };
      const apply = ["apply", "--server-side", "--force-conflicts", "--field-manager=lab", "-f", "-"];
      await theLab().kubectl(apply, list([{ ...secret, metadata }]));
    };
    const writes = (annotations?: Record<string, string>) =>
      Array.from({ length: ROTATIONS }, () => () => write(annotations));

    it("existing: ten Secrets by kubectl apply", () => rotates(OTHERS, 1_500, writes()));

    it("cert-manager: ten Secrets by a stand-in, because none runs here", async () => {
      const pods = () => theLab().kubectl(["get", "pods", "-n", OTHERS.namespace, "-o", "name"]);
      const before = await pods();
      const certificate = { type: "cert-manager", secretName: SECRET, issuer: "played" };
      await theLab().take(existing, writeStack(existing, values(OTHERS, certificate)));
      await pulumiOk(existing, ["up", "--yes", "--skip-preview"]);
      await rotates(OTHERS, 1_500, writes({ "cert-manager.io/issuer-name": "played" }));
      assert.equal(await pods(), before, "the Gateway's annotations for cert-manager replaced its Pod");
    });
  });

  // In its own suite: mocha runs a suite's tests before its nested suites.
  describe("in all", () => {
    it("saw at least 10,000 requests in forty rotations, and no failed handshake", () => {
      const total = reports.reduce((sum, { requests }) => sum + requests, 0);
      assert.ok(total >= 10_000, `${total} requests`);
      assert.equal(delays.length, 4 * ROTATIONS);
      assert.equal(
        reports.reduce((sum, { failures }) => sum + failures, 0),
        0,
      );
    });
  });
});
