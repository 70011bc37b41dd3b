import { X509Certificate } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { CertificateConfig } from "../config/certificate";
import { certificateNames, partOf } from "./naming";

export interface CertificateArgs {
  /** Where the certificate comes from. The Secret's name is resolved. */
  config: CertificateConfig & { secretName: string };
  /** The certificate covers `*.DOMAIN` and DOMAIN. */
  domain: string;
  /** Name of the Gateway, and the namespace that it and the Secret share. */
  gatewayName: string;
  namespace: string;
  /** Refuse to delete the private key and the Secret. The leaf stays free: it must be renewed. */
  protect: boolean;
}

/** What is known of the certificate; nothing of it is secret. */
export interface CertificateInfo {
  mode: CertificateConfig["mode"];
  /** NAMESPACE/NAME of the Secret. */
  secret: string;
  dnsNames: string[];
  /** SHA-256 of the DER form, as 32 pairs of hexadecimal digits with colons. Only for certificates made here. */
  fingerprintSha256?: string;
  /** End of validity, RFC 3339. Only for certificates made here. */
  notAfter?: string;
  /** Certificate that clients have to trust: the CA, or the self-signed certificate itself. Only when made here. */
  trustAnchorPem?: string;
}

const HOURS_PER_DAY = 24;

/**
 * The wildcard certificate and its Secret: made here (`self-signed`, `ca-signed`), or by others (`existing`,
 * `cert-manager`), when no key ever passes through Pulumi.
 */
export class Certificate extends pulumi.ComponentResource {
  readonly secretName: pulumi.Output<string>;
  readonly info: pulumi.Output<CertificateInfo>;

  constructor(name: string, args: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:Certificate", name, {}, opts);
    const { config, domain, gatewayName, namespace, protect } = args;
    const known: CertificateInfo = {
      mode: config.mode,
      secret: `${namespace}/${config.secretName}`,
      dnsNames: certificateNames(domain),
    };
    if (config.mode === "existing" || config.mode === "cert-manager") {
      this.secretName = pulumi.output(config.secretName);
      this.info = pulumi.output(known);
    } else {
      const child = { parent: this };
      const key = new tls.PrivateKey(`${name}-key`, { algorithm: "RSA", rsaBits: 2048 }, { ...child, protect });
      const leaf =
        config.mode === "self-signed"
          ? new tls.SelfSignedCert(
              name,
              { privateKeyPem: key.privateKeyPem, ...request(domain), ...terms(config) },
              child,
            )
          : this.signedByCa(name, key, config, domain);
      const chain =
        config.mode === "ca-signed" ? pulumi.interpolate`${leaf.certPem}${config.caCertificate}` : leaf.certPem;
      const secret = new k8s.core.v1.Secret(
        name,
        {
          metadata: { name: config.secretName, namespace, labels: partOf(gatewayName) },
          type: "kubernetes.io/tls",
          stringData: { "tls.crt": chain, "tls.key": key.privateKeyPem },
        },
        { ...child, protect },
      );
      this.secretName = secret.metadata.name;
      const trustAnchor = config.mode === "ca-signed" ? config.caCertificate : leaf.certPem;
      this.info = pulumi
        .all([leaf.certPem, leaf.validityEndTime, trustAnchor])
        .apply(([pem, notAfter, trustAnchorPem]) => ({
          ...known,
          notAfter,
          fingerprintSha256: new X509Certificate(pem).fingerprint256,
          trustAnchorPem,
        }));
    }
    this.registerOutputs({ secretName: this.secretName, info: this.info });
  }

  private signedByCa(
    name: string,
    key: tls.PrivateKey,
    config: Extract<CertificateConfig, { mode: "ca-signed" }>,
    domain: string,
  ): tls.LocallySignedCert {
    const child = { parent: this };
    const csr = new tls.CertRequest(name, { privateKeyPem: key.privateKeyPem, ...request(domain) }, child);
    return new tls.LocallySignedCert(
      name,
      {
        certRequestPem: csr.certRequestPem,
        caCertPem: config.caCertificate,
        caPrivateKeyPem: pulumi.secret(config.caPrivateKey),
        ...terms(config),
      },
      child,
    );
  }
}

/** Whom the certificate names. Clients read the SANs; the common name is for people. */
export function request(domain: string): { subject: { commonName: string }; dnsNames: string[] } {
  return { subject: { commonName: `*.${domain}` }, dnsNames: certificateNames(domain) };
}

/** How long the certificate lasts, and what it may be used for. Unit of both times: hours. */
export function terms(config: { validityDays: number; renewBeforeDays: number }): {
  validityPeriodHours: number;
  earlyRenewalHours: number;
  allowedUses: string[];
} {
  return {
    validityPeriodHours: config.validityDays * HOURS_PER_DAY,
    earlyRenewalHours: config.renewBeforeDays * HOURS_PER_DAY,
    allowedUses: ["digital_signature", "key_encipherment", "server_auth"],
  };
}
