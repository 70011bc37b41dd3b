import assert from "node:assert/strict";
import { createPublicKey, X509Certificate } from "node:crypto";
import { isSecret, secret, unknown, type Plugin, type Properties, type State } from "./support/plugin";
import { startPlugin } from "./support/suite";

/** What Pulumi sends: without the marks of secrets. */
function plain(value: unknown): string {
  return String(isSecret(value) ? (value as { value: unknown }).value : value);
}

describe("tls", function () {
  // RSA keys take their time.
  this.timeout(120_000);
  let plugin: Plugin;
  let key: State;
  before(async () => {
    plugin = await startPlugin("tls");
    key = await resource("PrivateKey", "key").create({ algorithm: "ECDSA", ecdsaCurve: "P256" });
  });
  after(() => plugin.stop());

  const resource = (kind: string, name: string) =>
    plugin.resource(`index/${kind[0]?.toLowerCase()}${kind.slice(1)}:${kind}`, name);
  const authorityInputs = (more: Properties = {}) => ({
    privateKeyPem: plain(key.outputs.privateKeyPem),
    subject: { commonName: "Test CA", organization: "Test" },
    validityPeriodHours: 100,
    isCaCertificate: true,
    allowedUses: ["cert_signing"],
    ...more,
  });
  const authority = (more?: Properties) => resource("SelfSignedCert", "authority").create(authorityInputs(more));
  const certificateOf = ({ outputs }: State) => new X509Certificate(String(outputs.certPem));

  it("makes keys, whose private parts are secret", async () => {
    const rsa = await resource("PrivateKey", "rsa").create({ algorithm: "RSA" });
    assert.deepEqual([rsa.outputs.rsaBits, rsa.outputs.ecdsaCurve], [2048, "P224"]);
    for (const { outputs } of [key, rsa]) {
      assert.ok(isSecret(outputs.privateKeyPem) && isSecret(outputs.privateKeyPemPkcs8));
      const expected = createPublicKey(plain(outputs.privateKeyPem)).export({ type: "spki", format: "pem" });
      assert.equal(outputs.publicKeyPem, expected);
    }
    assert.match(plain(key.outputs.privateKeyPem), /^-----BEGIN EC PRIVATE KEY-----\n/);
    assert.match(plain(rsa.outputs.privateKeyPem), /^-----BEGIN RSA PRIVATE KEY-----\n/);
    assert.match(plain(rsa.outputs.privateKeyPemPkcs8), /^-----BEGIN PRIVATE KEY-----\n/);
    assert.match(rsa.id, /^[0-9a-f]{40}$/);
  });

  it("signs itself, and says until when with fractions of a second that the certificate does not have", async () => {
    const made = await authority();
    const certificate = certificateOf(made);
    const { validityStartTime, validityEndTime, earlyRenewalHours, readyForRenewal, keyAlgorithm } = made.outputs;
    assert.equal(made.id, BigInt(`0x${certificate.serialNumber}`).toString());
    assert.match(String(validityEndTime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(Z|[+-]\d\d:\d\d)$/);
    const [start, end] = [validityStartTime, validityEndTime].map((text) => Date.parse(String(text)));
    assert.equal(Number(end) - Number(start), 100 * 3_600_000);
    assert.equal(Math.floor(Number(end) / 1000) * 1000, Date.parse(certificate.validTo));
    assert.deepEqual([earlyRenewalHours, readyForRenewal, keyAlgorithm], [0, false, "ECDSA"]);
    assert.ok(certificate.ca);
    assert.deepEqual(certificate.subject.split("\n").sort(), ["CN=Test CA", "O=Test"]);
  });

  it("signs a request with the authority's key", async () => {
    const root = await authority();
    const request = await resource("CertRequest", "request").create({
      privateKeyPem: plain(key.outputs.privateKeyPem),
      subject: { commonName: "*.example.test" },
      dnsNames: ["*.example.test", "example.test"],
      ipAddresses: ["192.0.2.1"],
    });
    const leaf = await resource("LocallySignedCert", "leaf").create({
      certRequestPem: request.outputs.certRequestPem,
      caPrivateKeyPem: plain(key.outputs.privateKeyPem),
      caCertPem: root.outputs.certPem,
      validityPeriodHours: 10,
      allowedUses: ["digital_signature", "key_encipherment", "server_auth"],
    });
    const certificate = certificateOf(leaf);
    assert.ok(certificate.verify(certificateOf(root).publicKey));
    assert.ok(certificate.checkIssued(certificateOf(root)));
    assert.equal(certificate.subject, "CN=*.example.test");
    assert.equal(certificate.subjectAltName, "DNS:*.example.test, DNS:example.test, IP Address:192.0.2.1");
    assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
    assert.ok(!certificate.ca);
    assert.ok(isSecret(leaf.outputs.caPrivateKeyPem));
    assert.equal(leaf.outputs.caKeyAlgorithm, "ECDSA");
  });

  it("needs no common name", async () => {
    const subject = { organization: "Test" };
    const dnsNames = [`*.${"a".repeat(63)}.example.test`];
    const certificate = certificateOf(
      await authority({ subject, dnsNames, isCaCertificate: false, allowedUses: ["server_auth"] }),
    );
    assert.deepEqual([certificate.subject, certificate.issuer], ["O=Test", "O=Test"]);
    assert.equal(certificate.subjectAltName, `DNS:${dnsNames.join()}`);
  });

  it("keeps the inputs as they are, with keys secret", async () => {
    const wanted = authorityInputs();
    const checked = await resource("SelfSignedCert", "checked").check(wanted);
    assert.deepEqual(checked, { ...wanted, privateKeyPem: secret(wanted.privateKeyPem) });
  });

  it("does not know in a preview what it will make", async () => {
    const { outputs } = await resource("PrivateKey", "later").create({ algorithm: "RSA" }, { preview: true });
    assert.equal(plain(outputs.privateKeyPem), unknown);
    assert.equal(outputs.publicKeyPem, unknown);
    assert.equal(outputs.rsaBits, 2048);
  });

  describe("diff", () => {
    it("is empty for the same inputs, also after a refresh", async () => {
      const made = await authority();
      assert.equal((await resource("SelfSignedCert", "authority").diff(made, authorityInputs())).changes, false);
      const read = await resource("SelfSignedCert", "authority").read(made);
      assert.ok(read);
      assert.equal((await resource("SelfSignedCert", "authority").diff(read, authorityInputs())).changes, false);
    });

    it("makes a new certificate for another term, but not for another time of renewal", async () => {
      const made = await authority();
      const again = resource("SelfSignedCert", "authority");
      const longer = await again.diff(made, authorityInputs({ validityPeriodHours: 101 }));
      assert.deepEqual([longer.changes, longer.replaces], [true, ["validityPeriodHours"]]);
      const earlier = authorityInputs({ earlyRenewalHours: 1 });
      const { changes, replaces } = await again.diff(made, earlier);
      assert.deepEqual([changes, replaces], [true, []]);
      const { outputs } = await again.update(made, earlier);
      assert.deepEqual([outputs.certPem, outputs.earlyRenewalHours], [made.outputs.certPem, 1]);
    });

    it("makes a new certificate once its time of renewal has come, as a refresh shows", async () => {
      const made = await authority({ earlyRenewalHours: 1 });
      // As if it had been made 99 hours and a half ago.
      const validityEndTime = new Date(Date.now() + 1_800_000).toISOString();
      const due = { ...made, outputs: { ...made.outputs, validityEndTime } };
      const again = resource("SelfSignedCert", "authority");
      const { changes, replaces } = await again.diff(due, authorityInputs({ earlyRenewalHours: 1 }));
      assert.deepEqual([changes, replaces], [true, ["readyForRenewal"]]);
      assert.equal((await again.read(due))?.outputs.readyForRenewal, true);
    });
  });
});
