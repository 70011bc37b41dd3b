import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { certificatesIn } from "../../config/values/pem";
import { eventually } from "../../lab/processes";
import { selfSign } from "../../lab/plugins/tls/certificates";
import { handshake, stackOutputs, trustFile } from "../../lab/probe";
import { PULUMI_HOME, stackCopy } from "../../lab/stacks";
import { selfSigned, signedBy, testAuthority, type TestAuthority } from "../support/certificates";
import { deploy, destroy, pulumi, pulumiOk, theLab, writeStack } from "./support/lab";

const STACK = "certificate";
const ADDRESS = "192.168.51.112";
const HOST = "web.certificate.test";
/** First bytes of a gzip file. */
const GZIP = Buffer.of(0x1f, 0x8b);
const VALUES = {
  domain: "certificate.test",
  gateway: { name: "certificate", namespace: "certificate-system", address: ADDRESS },
  services: [{ name: "web", namespace: "apps", port: 8080 }],
};

/** Inputs of the stack's certificate, without its key and its lifetime. */
const VALUES_OF_LEAF = {
  subject: { commonName: "*.certificate.test" },
  dnsNames: ["*.certificate.test", "certificate.test"],
  allowedUses: ["digital_signature", "key_encipherment", "server_auth"],
};

/** The served serial number, once it is the one in the stack's output. */
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
    "certificate--wildcard-certificate-test-tls",
    "-n",
    "certificate-system",
    "-o",
    "jsonpath={.metadata.uid}",
  ]);

interface Exported {
  deployment: { resources: { urn: string; outputs?: Record<string, unknown> }[] };
}

/** The private key in the state. */
async function privateKey(): Promise<string> {
  const state = JSON.parse(await pulumiOk(STACK, ["stack", "export", "--show-secrets"])) as Exported;
  const key = state.deployment.resources.find(({ urn }) => urn.includes("tls:index/privateKey:PrivateKey"));
  return JSON.parse((key?.outputs?.privateKeyPem as { plaintext: string }).plaintext) as string;
}

async function importState(state: Exported): Promise<void> {
  await theLab().output(["pulumi", "stack", "import", "--stack", STACK], { input: JSON.stringify(state) });
}

describe("certificate", () => {
  before(() => deploy(STACK, VALUES));
  after(() => destroy(STACK));

  it("matches the fingerprint and expiry in the stack's outputs", async () => {
    await servedSerial();
    const [certificate] = (await stackOutputs(theLab(), STACK)).certificates;
    assert.ok(certificate);
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

  it("is renewed by a plain up within its early renewal period", async () => {
    const before = await servedSerial();
    const state = JSON.parse(await pulumiOk(STACK, ["stack", "export"])) as Exported;
    const leaf = state.deployment.resources.find(({ urn }) => urn.includes("tls:index/selfSignedCert:SelfSignedCert"));
    assert.ok(leaf?.outputs);
    // As the state would be with 29 days left and an early renewal of 30. Pulumi goes by validityEndTime.
    const aged = { ...VALUES_OF_LEAF, privateKeyPem: await privateKey(), validityPeriodHours: 29 * 24 };
    Object.assign(leaf.outputs, await selfSign(aged));
    await importState(state);
    const gateway = state.deployment.resources.find(({ urn }) => urn.endsWith("/v1:Gateway::gateway"))?.urn ?? "";
    assert.match(
      await pulumiOk(STACK, ["preview", "--target", gateway]),
      /certificate-system\/certificate--wildcard-certificate-test-tls: it has been due for renewal since [-0-9T:]+Z and expires on /,
    );
    await pulumiOk(STACK, ["up", "--yes", "--skip-preview"]);
    const [{ notAfter, renewalTime, warning } = {}] = (await stackOutputs(theLab(), STACK)).certificates;
    assert.equal(Date.parse(notAfter ?? "") - Date.parse(renewalTime ?? ""), 30 * 86_400_000);
    assert.equal(warning, undefined);
    assert.notEqual(await servedSerial(), before);
    await pulumiOk(STACK, ["up", "--yes", "--skip-preview", "--expect-no-changes"]);
  });

  it("is not written to the Secret if the listener could not serve it", async () => {
    const before = await servedSerial();
    const exported = await pulumiOk(STACK, ["stack", "export"]);
    const state = JSON.parse(exported) as Exported;
    const leaf = state.deployment.resources.find(({ urn }) => urn.includes("tls:index/selfSignedCert:SelfSignedCert"));
    assert.ok(leaf?.outputs);
    // A certificate with another key and name, instead of the one in the state.
    leaf.outputs.certPem = (await selfSigned({ commonName: "other", dnsNames: ["other.test"] })).certificatePem;
    await importState(state);
    const { code, stdout, stderr } = await pulumi(STACK, ["up", "--yes", "--skip-preview"]);
    const said = stdout + stderr;
    assert.notEqual(code, 0);
    assert.match(said, /cannot be served, so the Secret was not changed: the private key belongs to another cert/);
    assert.match(said, /it does not cover \*\.certificate\.test; it does not cover certificate\.test/);
    assert.doesNotMatch(said, /PRIVATE KEY|\bat .+\.ts:\d+/);
    await importState(JSON.parse(exported) as Exported);
    assert.equal(await servedSerial(), before);
    await pulumiOk(STACK, ["up", "--yes", "--skip-preview", "--expect-no-changes"]);
  });

  it("keeps its private key secret in the state, the outputs and the previews", async () => {
    await keepsItsKey(STACK);
  });
});

/** A stack's private key appears nowhere in Pulumi's output. */
async function keepsItsKey(stack: string): Promise<void> {
  const key = await theLab().kubectl([
    "get",
    "secret",
    "certificate--wildcard-certificate-test-tls",
    "-n",
    "certificate-system",
    "-o",
    "jsonpath={.data.tls\\.key}",
  ]);
  const lines = Buffer.from(key, "base64").toString("utf8").split("\n");
  assert.match(lines[0] ?? "", /PRIVATE KEY/);
  const [secret = ""] = lines.slice(1).sort((a, b) => b.length - a.length);
  assert.ok(secret.length > 40);
  const keeps = (text: string, where: string) =>
    assert.ok(!text.includes("PRIVATE KEY") && !text.includes(secret) && !text.includes(key), where);
  for (const command of [
    ["stack", "export"],
    ["stack", "output", "--json"],
    ["preview", "--diff"],
    ["up", "--yes", "--skip-preview"],
  ]) {
    keeps(await pulumiOk(stack, command), command.join(" "));
  }
  const logs = cliLogs();
  const ofTheStack = logs.filter(({ name }) => name.includes(`+${stack}-`));
  assert.ok(ofTheStack.length > 0 && ofTheStack.every(({ isPlain }) => !isPlain), "logs of the stack are encrypted");
  for (const { name, text } of logs) {
    keeps(text, name);
  }
}

/** The CLI's logs of every command: gzipped, and also encrypted once it knows the stack's secrets provider. */
function cliLogs(): { name: string; isPlain: boolean; text: string }[] {
  const folder = join(PULUMI_HOME, "logs");
  return readdirSync(folder).map((name) => {
    const bytes = readFileSync(join(folder, name));
    const isPlain = bytes.subarray(0, 2).equals(GZIP);
    // A killed command leaves a truncated log.
    const text = isPlain ? gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }) : bytes;
    return { name, isPlain, text: text.toString("utf8") };
  });
}

describe("certificate signed by a company's CA, with an ECDSA key", () => {
  const stack = "ca-signed";
  let root: TestAuthority;
  before(async () => {
    root = await testAuthority(730, true, "Root");
    const issuing = await signedBy(root, { commonName: "Issuing", isCa: true, validDays: 365, uses: ["cert_signing"] });
    const caCertificate = issuing.certificatePem + root.certificatePem;
    const certificate = { type: "ca-signed", keyAlgorithm: "ecdsa-p256", caCertificate };
    const lab = theLab();
    await lab.take(stack, writeStack(stack, { ...VALUES, protect: true, certificate }));
    const path = "istio-gateway:certificate.caPrivateKey";
    const set = ["pulumi", "config", "set", "--secret", "--path", path, "--stack", stack, "--non-interactive"];
    await lab.output(set, { input: issuing.privateKeyPem });
    assert.doesNotMatch(readFileSync(stackCopy(stack), "utf8"), /PRIVATE KEY/);
    await lab.prepare(stack, stackCopy(stack));
    await pulumiOk(stack, ["up", "--yes", "--skip-preview"]);
    await servedSerial(stack);
  });
  after(async () => {
    await pulumiOk(stack, ["state", "unprotect", "--all", "--yes"]);
    await destroy(stack);
  });

  it("is served with the intermediate CAs; only the root is trusted", async () => {
    const [certificate] = (await stackOutputs(theLab(), stack)).certificates;
    assert.ok(certificate);
    assert.equal(certificate.trustAnchorPem, root.certificatePem);
    const client = ["openssl", "s_client", "-connect", `${ADDRESS}:443`, "-servername", HOST, "-showcerts"];
    const { stdout } = await theLab().run(client);
    const subjects = certificatesIn(stdout.slice(0, stdout.indexOf("Server certificate")))?.map((each) => each.subject);
    assert.deepEqual(subjects, ["CN=*.certificate.test", "CN=Issuing"]);
  });

  it("signs with ECDSA, in TLS 1.2 too", async () => {
    const { succeeded, cipher } = await handshake(theLab(), ADDRESS, HOST, ["-tls1_2"]);
    assert.ok(succeeded);
    assert.match(cipher, /^ECDHE-ECDSA-/);
    const rsa = await handshake(theLab(), ADDRESS, HOST, ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"]);
    assert.equal(rsa.succeeded, false);
  });

  it("keeps its private key, and the CA's, secret in the state, the outputs and the previews", async () => {
    await keepsItsKey(stack);
  });

  it("fails at preview if a protected key, Secret or Gateway would be replaced", async () => {
    const copy = stackCopy(stack);
    const config = readFileSync(copy, "utf8");
    for (const [from, to, what] of [
      ["keyAlgorithm: ecdsa-p256", "keyAlgorithm: rsa-2048", "gateway-certificate-key"],
      ["type: ca-signed", "type: ca-signed\n    secretName: other-tls", "gateway-certificate"],
      ["namespace: certificate-system", "namespace: certificate-apps", "gateway(-certificate)?"],
    ] as const) {
      assert.ok(config.includes(from));
      writeFileSync(copy, config.replace(from, to));
      const { code, stdout, stderr } = await pulumi(stack, ["preview"]);
      assert.notEqual(code, 0);
      const refusal = `unable to (replace|delete) resource "urn:\\S+::${what}"\\s+as it is currently marked for protection`;
      assert.match(stdout + stderr, new RegExp(refusal));
    }
    writeFileSync(copy, config);
    await pulumiOk(stack, ["preview", "--expect-no-changes"]);
  });
});
