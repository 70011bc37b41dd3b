import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { X509Certificate } from "node:crypto";
import type { CertificateConfig, IssuedCertificateConfig } from "../../config/resolve/certificate";
import type { KeyAlgorithm } from "../../config/schema/certificate/certificate";
import { certificateBlocks } from "../../config/values/pem";
import { certificateNames, partOf } from "../shared/naming";
import { type KeyPair, keyPairProblems, renewal, servedChain, trustAnchor } from "./keyPair";

export interface CertificateArgs {
  /** Where the certificate comes from. */
  config: CertificateConfig;
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
  /** Names that it covers; where it is made elsewhere, the least that it has to cover. */
  dnsNames: string[];
  /** SHA-256 of the DER form, as 32 pairs of hexadecimal digits with colons. Only for certificates made here. */
  fingerprintSha256?: string;
  /** End of validity, RFC 3339. Only for certificates made here. */
  notAfter?: string;
  /** From then on a `pulumi up` makes a new certificate, RFC 3339. Only for certificates made here. */
  renewalTime?: string;
  /** Says that the renewal is due, or the end passed. */
  warning?: string;
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
    const [wildcard = "", ...others] = certificateNames(domain);
    const known = { mode: config.mode, secret: `${namespace}/${config.secretName}` };
    if (config.mode === "existing" || config.mode === "cert-manager") {
      this.secretName = pulumi.output(config.secretName);
      // Hosts are names below the domain; cert-manager asks for the listeners' host names, which are the wildcard.
      this.info = pulumi.output({ ...known, dnsNames: [wildcard] });
    } else {
      const child = { parent: this };
      const key = new tls.PrivateKey(`${name}-key`, keyArgs(config.keyAlgorithm), { ...child, protect });
      const leaf =
        config.mode === "self-signed"
          ? new tls.SelfSignedCert(
              name,
              { privateKeyPem: key.privateKeyPem, ...request(domain), ...terms(config) },
              child,
            )
          : this.signedByCa(name, key, config, domain);
      const authority = config.mode === "ca-signed" ? config.caCertificate : "";
      const secret = new Secret(
        name,
        {
          metadata: { name: config.secretName, namespace, labels: partOf(gatewayName) },
          type: "kubernetes.io/tls",
          stringData: pulumi
            .all([leaf.certPem, key.privateKeyPem])
            .apply(([certPem, privateKeyPem]) =>
              this.checked(known.secret, { leafPem: certPem, authorityPem: authority, privateKeyPem, domain }),
            ),
        },
        { ...child, protect },
      );
      this.secretName = secret.metadata.name;
      this.info = pulumi.all([leaf.certPem, leaf.validityEndTime]).apply(([certPem, notAfter]) => {
        const info = {
          ...known,
          dnsNames: [wildcard, ...others],
          notAfter,
          ...renewal(notAfter, config.renewBeforeDays),
          fingerprintSha256: new X509Certificate(certPem).fingerprint256,
          trustAnchorPem: config.mode === "ca-signed" ? trustAnchor(config.caCertificate) : certPem,
        };
        if (info.warning !== undefined) {
          void pulumi.log.warn(`the certificate in ${known.secret}: ${info.warning}`, this);
        }
        return info;
      });
    }
    this.registerOutputs({ secretName: this.secretName, info: this.info });
  }

  /**
   * The Secret's content.
   * @throws {pulumi.ResourceError} where the listener could not serve it: the Secret then stays as it was.
   */
  private checked(secret: string, pair: KeyPair): Record<"tls.crt" | "tls.key", string> {
    const problems = keyPairProblems(pair);
    if (problems.length > 0) {
      const message = `the certificate for ${secret} cannot be served, so the Secret was left as it is`;
      throw new pulumi.ResourceError(`${message}: ${problems.join("; ")}`, this, true);
    }
    return { "tls.crt": servedChain(pair.leafPem, pair.authorityPem), "tls.key": pair.privateKeyPem };
  }

  private signedByCa(
    name: string,
    key: tls.PrivateKey,
    config: Extract<IssuedCertificateConfig, { mode: "ca-signed" }>,
    domain: string,
  ): tls.LocallySignedCert {
    const child = { parent: this };
    const csr = new tls.CertRequest(name, { privateKeyPem: key.privateKeyPem, ...request(domain) }, child);
    return new tls.LocallySignedCert(
      name,
      {
        certRequestPem: csr.certRequestPem,
        caCertPem: certificateBlocks(config.caCertificate)[0] ?? config.caCertificate,
        caPrivateKeyPem: pulumi.secret(config.caPrivateKey),
        ...terms(config),
      },
      child,
    );
  }
}

/** https://www.pulumi.com/registry/packages/tls/api-docs/privatekey/#inputs */
export function keyArgs(algorithm: KeyAlgorithm): tls.PrivateKeyArgs {
  return algorithm === "ECDSA-P256"
    ? { algorithm: "ECDSA", ecdsaCurve: "P256" }
    : { algorithm: "RSA", rsaBits: Number(algorithm.replace("RSA-", "")) };
}

/** Whom the certificate names. Clients read the SANs; the common name is for people. */
export function request(domain: string): { subject: { commonName: string }; dnsNames: string[] } {
  return { subject: { commonName: `*.${domain}` }, dnsNames: certificateNames(domain) };
}

/** How long the certificate lasts, and what it may be used for. Unit of both times: hours. */
export function terms(config: Pick<IssuedCertificateConfig, "keyAlgorithm" | "validityDays" | "renewBeforeDays">): {
  validityPeriodHours: number;
  earlyRenewalHours: number;
  allowedUses: string[];
} {
  // An ECDSA key enciphers nothing (RFC 8813, section 3).
  const uses = config.keyAlgorithm === "ECDSA-P256" ? [] : ["key_encipherment"];
  return {
    validityPeriodHours: config.validityDays * HOURS_PER_DAY,
    earlyRenewalHours: config.renewBeforeDays * HOURS_PER_DAY,
    allowedUses: ["digital_signature", ...uses, "server_auth"],
  };
}
