import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import {
  Certificate,
  ClientAuthorities,
  gatewayConfig,
  type GatewayConfigInput,
  HttpsRedirect,
  TlsGateway,
  UnifiedGateway,
} from "../../components";
import type { StackCertificate } from "../../config/resolve/certificates";
import { type TestAuthority, testAuthority } from "../support/certificates";
import { only, type Registered, register, valueOf } from "../support/deployment";

const DOMAIN = "example.test";
const GATEWAY = { name: "edge", namespace: "edge" };
const SIGNED = "tls:index/locallySignedCert:LocallySignedCert";
const SECRET = "kubernetes:core/v1:Secret";

const { isRpcSecret, unwrapRpcSecret } = pulumi.runtime;

/** All registered resources, as they appear in the state. */
function inClear(resources: readonly Registered[]): string {
  return JSON.stringify(resources, (_, value: unknown) => (isRpcSecret(value) ? "[secret]" : value));
}

describe("components take Inputs", () => {
  let authority: TestAuthority;
  before(async () => {
    authority = await testAuthority(365);
  });

  const config = (changes: Partial<GatewayConfigInput> = {}) =>
    gatewayConfig({ domain: DOMAIN, gateway: GATEWAY, services: [{ name: "web", namespace: "apps" }], ...changes });

  /** The CA as another program has it: parts of a Secret, so both texts are marked as secrets. */
  const fromSecret = () => ({
    caCertificate: pulumi.secret(authority.certificatePem),
    caPrivateKey: pulumi.secret(authority.privateKeyPem),
  });

  describe("for names", () => {
    const names = () => pulumi.output(Promise.resolve([`*.${DOMAIN}`, DOMAIN]));

    it("Certificate covers them", async () => {
      let certificate: Certificate | undefined;
      const resources = await register(() => {
        const [{ config: made }] = config().certificates as [StackCertificate];
        certificate = new Certificate("edge", { config: made, dnsNames: names(), gateway: GATEWAY, protect: false });
      });
      const { subject, dnsNames } = only(resources, "tls:index/selfSignedCert:SelfSignedCert").inputs;
      assert.deepEqual([subject, dnsNames], [{ commonName: `*.${DOMAIN}` }, [`*.${DOMAIN}`, DOMAIN]]);
      assert.ok(certificate);
      assert.deepEqual((await valueOf(certificate.info)).dnsNames, [`*.${DOMAIN}`, DOMAIN]);
    });

    it("TlsGateway serves them, with the certificates of its listeners", async () => {
      const resources = await register(() => {
        const listener = {
          name: "wiki",
          hostname: pulumi.output(DOMAIN),
          secretNames: [pulumi.output("rsa"), "ecdsa"],
          namespaces: [],
        };
        new TlsGateway("edge", { config: config().gateway, listeners: [listener], protect: false });
      });
      const { spec } = only(resources, "kubernetes:gateway.networking.k8s.io/v1:Gateway").inputs as {
        spec: { listeners: { name: string; hostname: string; tls?: { certificateRefs: unknown } }[] };
      };
      const [, { hostname, tls } = {}] = spec.listeners;
      assert.deepEqual([hostname, tls?.certificateRefs], [DOMAIN, [{ name: "rsa" }, { name: "ecdsa" }]]);
    });

    it("HttpsRedirect redirects them", async () => {
      const resources = await register(() => new HttpsRedirect("edge", { gateway: GATEWAY, hostnames: names() }));
      const { spec } = only(resources, "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute").inputs;
      assert.deepEqual((spec as { hostnames: string[] }).hostnames, [`*.${DOMAIN}`, DOMAIN]);
    });
  });

  describe("for a CA", () => {
    it("sign the certificate, and keep every key secret", async () => {
      let gateway: UnifiedGateway | undefined;
      const resources = await register(() => {
        gateway = new UnifiedGateway("edge", config({ certificate: { type: "ca-signed", ...fromSecret() } }));
      });
      const { inputs } = only(resources, SIGNED);
      assert.equal(unwrapRpcSecret(inputs.caCertPem), authority.certificatePem);
      assert.ok(isRpcSecret(inputs.caPrivateKeyPem));
      assert.equal(unwrapRpcSecret(inputs.caPrivateKeyPem), authority.privateKeyPem);
      const { stringData } = only(resources, SECRET).inputs;
      assert.ok(isRpcSecret(stringData));
      const leaf = new X509Certificate((unwrapRpcSecret(stringData) as Record<string, string>)["tls.crt"] ?? "");
      assert.ok(leaf.verify(new X509Certificate(authority.certificatePem).publicKey));
      assert.doesNotMatch(inClear(resources), /PRIVATE KEY/);
      assert.ok(gateway);
      assert.equal((await valueOf(gateway.certificates))[0]?.trustAnchorPem, authority.certificatePem);
    });

    it("keep a key secret that is given as plain text, or in an Output that is not marked secret", async () => {
      for (const caPrivateKey of [authority.privateKeyPem, pulumi.output(authority.privateKeyPem)]) {
        const certificate = { type: "ca-signed", caCertificate: authority.certificatePem, caPrivateKey } as const;
        const resources = await register(() => new UnifiedGateway("edge", config({ certificate })));
        assert.equal(unwrapRpcSecret(only(resources, SIGNED).inputs.caPrivateKeyPem), authority.privateKeyPem);
        assert.doesNotMatch(inClear(resources), /PRIVATE KEY/);
      }
    });

    it("show the certificate's public data in the clear, and nothing of a key next to it", async () => {
      const { certificatePem, privateKeyPem } = authority;
      let info: Certificate["info"] | undefined;
      await register(() => {
        const caCertificate = pulumi.secret(privateKeyPem + certificatePem);
        const certificate = { type: "ca-signed", ...fromSecret(), caCertificate } as const;
        const [{ config: made, dnsNames }] = config({ certificate }).certificates as [StackCertificate];
        ({ info } = new Certificate("edge", { config: made, dnsNames, gateway: GATEWAY, protect: false }));
      });
      assert.ok(info);
      assert.equal(await pulumi.isSecret(info), false);
      const told = await valueOf(info);
      assert.equal(told.trustAnchorPem, certificatePem);
      assert.doesNotMatch(JSON.stringify(told), /PRIVATE KEY/);
    });

    it("check clients' certificates, without the key in the same text", async () => {
      const resources = await register(() => {
        const caCertificate = pulumi.output(authority.certificatePem + authority.privateKeyPem);
        const { gateway } = config({ gateway: { ...GATEWAY, tls: { clientCertificates: { caCertificate } } } });
        const { clientCertificates } = gateway.tls;
        assert.ok(clientCertificates);
        new ClientAuthorities("edge", { config: clientCertificates, gateway });
      });
      const { data } = only(resources, "kubernetes:core/v1:ConfigMap").inputs;
      assert.deepEqual(data, { "ca.crt": authority.certificatePem });
    });
  });

  describe("in gatewayConfig", () => {
    const certificate = (changes: object) => ({ type: "ca-signed", ...fromSecret(), ...changes }) as const;

    it("passes Outputs on unchanged", () => {
      const given = certificate({});
      const [found] = config({ certificate: given }).certificates.map((certificate) => certificate.config);
      assert.ok(found?.type === "ca-signed");
      assert.equal(found.caCertificate, given.caCertificate);
      assert.equal(found.caPrivateKey, given.caPrivateKey);
    });

    for (const [key, message] of [
      ["caCertificate", /certificate\.caCertificate: .*expected a CA certificate in PEM/],
      ["caPrivateKey", /certificate\.caPrivateKey: .*expected a CA private key in PEM/],
    ] as const) {
      it(`refuses plain text that is not PEM for ${key}, and does not show it`, () => {
        assert.throws(
          () => config({ certificate: certificate({ [key]: "no PEM" }) }),
          (error: Error) => message.test(error.message) && !error.message.includes("no PEM"),
        );
      });
    }

    it("refuses a certificate that is not a CA's, if both texts are plain", async () => {
      const { certificatePem, privateKeyPem } = await testAuthority(365, false);
      const plain = { caCertificate: certificatePem, caPrivateKey: privateKeyPem };
      assert.throws(() => config({ certificate: certificate(plain) }), /a CA certificate/);
    });

    it("refuses an Output for names, which have to be plain", () => {
      const domain = pulumi.output(DOMAIN) as unknown as string;
      assert.throws(() => config({ domain }), /domain: .*expected a host name/);
    });
  });
});
