import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { eventually } from "../../lab/processes";
import { handshake, stackOutputs, trustFile } from "../../lab/probe";
import { stackCopy } from "../../lab/stacks";
import { testAuthority } from "../support/certificates";
import { deploy, destroy, pulumiOk, theLab, writeStack } from "./support/lab";

const STACK = "certificate";
const ADDRESS = "192.168.51.112";
const HOST = "web.certificate.test";
const VALUES = {
  domain: "certificate.test",
  gateway: { name: "certificate", namespace: "certificate-system", address: ADDRESS },
  services: [{ name: "web", namespace: "apps", port: 8080 }],
};

/** Serial number that the gateway serves once it serves the one of the stack's output. */
async function servedSerial(stack = STACK): Promise<string> {
  const outputs = await stackOutputs(theLab(), stack);
  const file = trustFile(stack, outputs);
  assert.ok(file);
  return eventually("the certificate of the stack's output", 20_000, async () => {
    const seen = await handshake(theLab(), ADDRESS, HOST, ["-CAfile", file]);
    assert.equal(seen.verification, "OK");
    return seen.serial;
  });
}

const secretUid = () =>
  theLab().kubectl([
    "get",
    "secret",
    "wildcard-certificate-test-tls",
    "-n",
    "certificate-system",
    "-o",
    "jsonpath={.metadata.uid}",
  ]);

interface Exported {
  deployment: { resources: { urn: string; outputs?: Record<string, unknown> }[] };
}

describe("certificate", () => {
  before(() => deploy(STACK, VALUES));
  after(() => destroy(STACK));

  it("is the one whose fingerprint and end the stack tells", async () => {
    await servedSerial();
    const { certificate } = await stackOutputs(theLab(), STACK);
    const { stdout } = await theLab().run(["openssl", "s_client", "-connect", `${ADDRESS}:443`, "-servername", HOST]);
    const served = new X509Certificate(/-----BEGIN[\s\S]+?END CERTIFICATE-----/.exec(stdout)?.[0] ?? "");
    assert.equal(served.fingerprint256, certificate.fingerprintSha256);
    assert.equal(Date.parse(served.validTo), Date.parse(certificate.notAfter ?? ""));
    assert.equal(served.subjectAltName, "DNS:*.certificate.test, DNS:certificate.test");
    assert.ok(served.publicKey.asymmetricKeyDetails?.modulusLength === 2048);
  });

  it("is replaced with its key, and the Secret is updated in place", async () => {
    const before = await servedSerial();
    const uid = await secretUid();
    const urns = await pulumiOk(STACK, ["stack", "--show-urns"]);
    const key = /urn:\S+tls:index\/privateKey:PrivateKey::\S+/.exec(urns)?.[0];
    assert.ok(key, urns);
    await pulumiOk(STACK, ["up", "--yes", "--skip-preview", "--replace", key]);
    assert.notEqual(await servedSerial(), before);
    assert.equal(await secretUid(), uid, "a new Secret leaves the listener without its certificate for a while");
  });

  it("is renewed by a plain up once it is inside its early renewal", async () => {
    const before = await servedSerial();
    const state = JSON.parse(await pulumiOk(STACK, ["stack", "export"])) as Exported;
    const leaf = state.deployment.resources.find(({ urn }) => urn.includes("tls:index/selfSignedCert:SelfSignedCert"));
    assert.ok(leaf?.outputs);
    // What the state says of the certificate's end is what Pulumi goes by: 29 days left of the 30 that it asks for.
    leaf.outputs.validityEndTime = new Date(Date.now() + 29 * 86_400_000).toISOString();
    const lab = theLab();
    await lab.output(["pulumi", "stack", "import", "--stack", STACK], { input: JSON.stringify(state) });
    await pulumiOk(STACK, ["up", "--yes", "--skip-preview"]);
    assert.notEqual(await servedSerial(), before);
    await pulumiOk(STACK, ["up", "--yes", "--skip-preview", "--expect-no-changes"]);
  });

  it("keeps its private key secret in the state, the outputs and the previews", async () => {
    const lab = theLab();
    const key = await lab.kubectl([
      "get",
      "secret",
      "wildcard-certificate-test-tls",
      "-n",
      "certificate-system",
      "-o",
      "jsonpath={.data.tls\\.key}",
    ]);
    const secret = Buffer.from(key, "base64").toString("utf8").split("\n")[5] ?? "";
    assert.ok(secret.length > 40);
    for (const command of [
      ["stack", "export"],
      ["stack", "output", "--json"],
      ["preview", "--diff"],
      ["up", "--yes", "--skip-preview"],
    ]) {
      const said = await pulumiOk(STACK, command);
      assert.doesNotMatch(said, /PRIVATE KEY/);
      assert.ok(!said.includes(secret) && !said.includes(key), command.join(" "));
    }
  });
});

describe("certificate signed by a company's CA", () => {
  const stack = "ca-signed";
  after(() => destroy(stack));

  it("is served with the CA's chain, and its CA key is secret", async () => {
    const authority = await testAuthority(365);
    const certificate = { mode: "ca-signed", caCertificate: authority.certificatePem };
    const lab = theLab();
    await lab.take(stack, writeStack(stack, { ...VALUES, certificate }));
    const path = "istio-gateway:certificate.caPrivateKey";
    const set = ["pulumi", "config", "set", "--secret", "--path", path, "--stack", stack, "--non-interactive"];
    await lab.output(set, { input: authority.privateKeyPem });
    assert.doesNotMatch(readFileSync(stackCopy(stack), "utf8"), /PRIVATE KEY/);
    await lab.prepare(stack, stackCopy(stack));
    await pulumiOk(stack, ["up", "--yes", "--skip-preview"]);
    await servedSerial(stack);
    const state = await pulumiOk(stack, ["stack", "export"]);
    assert.doesNotMatch(state, /PRIVATE KEY/);
    const { stdout } = await lab.run([
      "openssl",
      "s_client",
      "-connect",
      `${ADDRESS}:443`,
      "-servername",
      HOST,
      "-showcerts",
    ]);
    assert.equal(stdout.match(/BEGIN CERTIFICATE/g)?.length, 2, "the leaf and the CA");
  });
});
