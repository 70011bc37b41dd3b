import assert from "node:assert/strict";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { request, terms } from "../../../components/certificate/certificate";
import { certificatesIn } from "../../../config/values/pem";
import { signedBy, testAuthority } from "../../support/certificates";
import { only, register, valueOf } from "../../support/deployment";
import { stack } from "../../support/stacks";

const deploy = (config: ReturnType<typeof stack>) => register(() => new UnifiedGateway("gateway", config));
const SECRET = "kubernetes:core/v1:Secret";

/** The value that Pulumi marks as secret; fails if it is in the clear. */
function secretValue(wrapped: unknown): Record<string, string> {
  const { value, ...mark } = wrapped as { value: Record<string, string> };
  assert.deepEqual(Object.values(mark), ["1b47061264138c4ac30d75fd1eb44270"]);
  return value;
}

describe("components/certificate", () => {
  it("covers the wildcard and the apex", () => {
    assert.deepEqual(request(["*.example.test", "example.test"]), {
      subject: { commonName: "*.example.test" },
      dnsNames: ["*.example.test", "example.test"],
    });
  });

  it("has a common name only up to the 64 characters that X.509 allows, and always a subject", () => {
    const domain = (length: number) => `${"a".repeat(length - 58)}.${"b".repeat(52)}.test`;
    assert.deepEqual(request([`*.${domain(62)}`]).subject, { commonName: `*.${domain(62)}` });
    assert.deepEqual(request([`*.${domain(63)}`, domain(63)]), {
      subject: { organization: "Unified Istio gateway" },
      dnsNames: [`*.${domain(63)}`, domain(63)],
    });
  });

  it("is made and served for a long domain, by either type", async () => {
    const domain = `${"a".repeat(60)}.${"b".repeat(60)}.example.test`;
    const authority = await testAuthority(365);
    const signed = {
      type: "ca-signed",
      caCertificate: authority.certificatePem,
      caPrivateKey: authority.privateKeyPem,
    };
    for (const certificate of [{ type: "self-signed" }, signed]) {
      const resources = await deploy(
        stack({ domain, certificate }, ["certificate"].slice(0, certificate === signed ? 1 : 0)),
      );
      const [leaf] = certificatesIn(secretValue(only(resources, SECRET).inputs.stringData)["tls.crt"] ?? "") ?? [];
      assert.equal(leaf?.subject, "O=Unified Istio gateway");
      assert.equal(leaf.subjectAltName, `DNS:*.${domain}, DNS:${domain}`);
    }
  });

  it("has its terms in hours", () => {
    assert.deepEqual(terms({ keyAlgorithm: "rsa-2048", validity: "90d", renewBefore: "30d" }), {
      validityPeriodHours: 2160,
      earlyRenewalHours: 720,
      allowedUses: ["digital_signature", "key_encipherment", "server_auth"],
    });
    const ecdsa = terms({ keyAlgorithm: "ecdsa-p256", validity: "90d", renewBefore: "30d" });
    assert.deepEqual(ecdsa.allowedUses, ["digital_signature", "server_auth"]);
  });

  it("creates the configured key", async () => {
    for (const [keyAlgorithm, inputs] of [
      ["rsa-3072", { algorithm: "RSA", rsaBits: 3072 }],
      ["rsa-4096", { algorithm: "RSA", rsaBits: 4096 }],
      ["ecdsa-p256", { algorithm: "ECDSA", ecdsaCurve: "P256" }],
    ] as const) {
      const resources = await deploy(stack({ certificate: { type: "self-signed", keyAlgorithm } }));
      assert.deepEqual(only(resources, "tls:index/privateKey:PrivateKey").inputs, inputs);
    }
  });

  it("self-signed: creates an RSA key of 2048 bits, the certificate and a TLS Secret", async () => {
    const resources = await deploy(stack());
    const key = only(resources, "tls:index/privateKey:PrivateKey");
    assert.deepEqual(key.inputs, { algorithm: "RSA", rsaBits: 2048 });
    const certificate = only(resources, "tls:index/selfSignedCert:SelfSignedCert");
    assert.equal(certificate.inputs.validityPeriodHours, 2160);
    assert.equal(certificate.inputs.earlyRenewalHours, 720);
    const secret = only(resources, SECRET);
    assert.equal(secret.inputs.type, "kubernetes.io/tls");
    assert.deepEqual(Object.keys(secretValue(secret.inputs.stringData)), ["tls.crt", "tls.key"]);
    const { name, namespace } = secret.inputs.metadata as Record<string, unknown>;
    assert.deepEqual([name, namespace], ["unified-gateway--wildcard-example-test-tls", "istio-system"]);
  });

  it("ca-signed: signs a request, and serves no root", async () => {
    const { certificatePem, privateKeyPem } = await testAuthority(365);
    const certificate = { type: "ca-signed", caCertificate: certificatePem, caPrivateKey: privateKeyPem };
    const resources = await deploy(stack({ certificate }, ["certificate"]));
    only(resources, "tls:index/certRequest:CertRequest");
    const signed = only(resources, "tls:index/locallySignedCert:LocallySignedCert");
    assert.equal(signed.inputs.caCertPem, certificatePem);
    const stringData = secretValue(only(resources, SECRET).inputs.stringData);
    assert.equal(stringData["tls.crt"]?.match(/BEGIN CERTIFICATE/g)?.length, 1);
    assert.ok(!resources.some(({ type }) => type.includes("selfSignedCert")));
  });

  it("ca-signed: serves every CA between the leaf and the root, and outputs the root to trust", async () => {
    const root = await testAuthority(730, true, "Root");
    const issuing = await signedBy(root, { commonName: "Issuing", isCa: true, validDays: 365 });
    const caCertificate = issuing.certificatePem + root.certificatePem;
    const certificate = { type: "ca-signed", caCertificate, caPrivateKey: issuing.privateKeyPem };
    let gateway: UnifiedGateway | undefined;
    const resources = await register(() => {
      gateway = new UnifiedGateway("gateway", stack({ certificate }, ["certificate"]));
    });
    const signed = only(resources, "tls:index/locallySignedCert:LocallySignedCert");
    assert.equal(signed.inputs.caCertPem, issuing.certificatePem);
    const chain = certificatesIn(secretValue(only(resources, SECRET).inputs.stringData)["tls.crt"] ?? "");
    assert.deepEqual(
      chain?.map(({ subject }) => subject),
      ["CN=*.example.test", "CN=Issuing"],
    );
    assert.ok(gateway);
    assert.equal((await valueOf(gateway.certificates))[0]?.trustAnchorPem, root.certificatePem);
  });

  for (const certificate of [
    { type: "existing", secretName: "theirs" },
    { type: "cert-manager", secretName: "theirs", issuer: "letsencrypt" },
  ]) {
    it(`${certificate.type}: creates no key and no Secret`, async () => {
      const resources = await deploy(stack({ certificate }));
      assert.ok(!resources.some(({ type }) => type.startsWith("tls:") || type === SECRET));
      const { inputs } = only(resources, "kubernetes:gateway.networking.k8s.io/v1:Gateway");
      const { spec } = inputs as { spec: { listeners: { tls?: { certificateRefs: unknown } }[] } };
      assert.deepEqual(spec.listeners[1]?.tls?.certificateRefs, [{ name: "theirs" }]);
      const asked = resources.filter(({ type }) => type === "kubernetes:cert-manager.io/v1:Certificate");
      assert.equal(asked.length, certificate.type === "cert-manager" ? 1 : 0);
    });
  }
});
