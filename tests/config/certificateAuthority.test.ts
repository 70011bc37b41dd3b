import assert from "node:assert/strict";
import { testAuthority } from "../support/certificates";
import { mistakes } from "../support/stacks";

describe("config/certificateAuthority", () => {
  const certificate = async (validDays: number, isCa = true) => {
    const { certificatePem, privateKeyPem } = await testAuthority(validDays, isCa);
    return { mode: "ca-signed", caCertificate: certificatePem, caPrivateKey: privateKeyPem };
  };
  const only = (lines: string[], pattern: RegExp) => {
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", pattern);
    assert.doesNotMatch(lines[0] ?? "", /BEGIN/);
  };

  it("accepts a CA with its key as a secret", async () => {
    assert.deepEqual(mistakes({ certificate: await certificate(365) }, ["certificate"]), []);
  });

  it("refuses a key that is no Pulumi secret", async () => {
    only(mistakes({ certificate: await certificate(365) }), /caPrivateKey: \[hidden\], expected a Pulumi secret/);
  });

  it("refuses a CA that ends before the certificate", async () => {
    only(mistakes({ certificate: await certificate(30) }, ["certificate"]), /outlives the certificate/);
  });

  it("refuses a certificate that is no CA", async () => {
    only(mistakes({ certificate: await certificate(365, false) }, ["certificate"]), /of a CA/);
  });

  it("refuses a key of another CA", async () => {
    const mixed = { ...(await certificate(365)), caPrivateKey: (await certificate(365)).caPrivateKey };
    only(mistakes({ certificate: mixed }, ["certificate"]), /key that belongs to/);
  });

  it("refuses what is no PEM, and what only looks like it", async () => {
    const good = await certificate(365);
    only(mistakes({ certificate: { ...good, caPrivateKey: "key" } }, ["certificate"]), /private key in PEM/);
    const fake = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    only(mistakes({ certificate: { ...good, caCertificate: fake } }, ["certificate"]), /readable X\.509/);
  });
});
