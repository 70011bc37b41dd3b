import assert from "node:assert/strict";
import { signedBy, testAuthority } from "../../support/certificates";
import { mistakes } from "../../support/stacks";

describe("config/certificateAuthority", () => {
  const certificate = async (validDays: number, isCa = true) => {
    const { certificatePem, privateKeyPem } = await testAuthority(validDays, isCa);
    return { type: "ca-signed", caCertificate: certificatePem, caPrivateKey: privateKeyPem };
  };
  const only = (lines: string[], pattern: RegExp) => {
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", pattern);
    assert.doesNotMatch(lines[0] ?? "", /BEGIN/);
  };

  it("accepts a CA with its key as a secret", async () => {
    assert.deepEqual(mistakes({ certificate: await certificate(365) }, ["certificate"]), []);
  });

  it("accepts the CAs above it in order, and in no other order", async () => {
    const root = await testAuthority(730, true, "Root");
    const { certificatePem, privateKeyPem } = await signedBy(root, {
      commonName: "Issuing",
      isCa: true,
      validDays: 365,
    });
    const signed = (caCertificate: string) => ({ type: "ca-signed", caCertificate, caPrivateKey: privateKeyPem });
    assert.deepEqual(mistakes({ certificate: signed(certificatePem) }, ["certificate"]), []);
    assert.deepEqual(mistakes({ certificate: signed(certificatePem + root.certificatePem) }, ["certificate"]), []);
    const stranger = await testAuthority(365, true, "Stranger");
    const mixed = signed(certificatePem + stranger.certificatePem);
    only(mistakes({ certificate: mixed }, ["certificate"]), /signed by the next one; number 1 is not$/);
    const twisted = mistakes({ certificate: signed(root.certificatePem + certificatePem) }, ["certificate"]);
    assert.equal(twisted.length, 2);
    assert.match(twisted.join("\n"), /number 1 is not[\s\S]*private key of certificate/);
  });

  it("refuses a chain of which any CA expires before the certificate", async () => {
    const root = await testAuthority(30, true, "Root");
    const issuing = await signedBy(root, { commonName: "Issuing", isCa: true, validDays: 365 });
    const caCertificate = issuing.certificatePem + root.certificatePem;
    const signed = { type: "ca-signed", caCertificate, caPrivateKey: issuing.privateKeyPem };
    only(mistakes({ certificate: signed }, ["certificate"]), /a CA that outlives the certificate/);
  });

  it("refuses a key that is not a Pulumi secret", async () => {
    only(mistakes({ certificate: await certificate(365) }), /caPrivateKey: \[hidden\], expected a Pulumi secret/);
  });

  it("refuses a CA that expires before the certificate", async () => {
    only(mistakes({ certificate: await certificate(30) }, ["certificate"]), /a CA that outlives the certificate/);
  });

  it("refuses a certificate that is not a CA's", async () => {
    only(mistakes({ certificate: await certificate(365, false) }, ["certificate"]), /a CA certificate/);
  });

  it("refuses another CA's key", async () => {
    const mixed = { ...(await certificate(365)), caPrivateKey: (await certificate(365)).caPrivateKey };
    only(mistakes({ certificate: mixed }, ["certificate"]), /private key of certificate/);
  });

  it("refuses what is not PEM, and what only looks like it", async () => {
    const good = await certificate(365);
    only(mistakes({ certificate: { ...good, caPrivateKey: "key" } }, ["certificate"]), /private key in PEM/);
    const fake = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    only(mistakes({ certificate: { ...good, caCertificate: fake } }, ["certificate"]), /readable X\.509/);
  });
});
