import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { X509Certificate } from "node:crypto";
import type { CertificateConfig, IssuedCertificateConfig } from "../../config/resolve/certificates";
import type { KeyAlgorithm } from "../../config/schema/certificate/certificate";
import { hours } from "../../config/values/duration";
import { certificateBlocks } from "../../config/values/pem";
import { CertManagerCertificate, type CertManagerCertificateSpec } from "../../kinds/certManagerCertificate";
import { type GatewayRef, partOf } from "../shared/naming";
import { type KeyPair, keyPairProblems, renewal, servedChain, trustAnchor } from "./keyPair";

export interface CertificateArgs {
  /** Where the certificate comes from: `config` of one of `certificates` of `gatewayConfig()`. Its CA texts may be Outputs. */
  config: CertificateConfig;
  /** Names that it covers, its first the subject: `dnsNames` of the same. */
  dnsNames: pulumi.Input<readonly string[]>;
  /** The Gateway that serves it. The Secret lives in its namespace. */
  gateway: GatewayRef;
  /** True refuses to delete the private key and the Secret. The leaf stays free: it must be renewed. */
  protect: boolean;
}

/** What is known about the certificate; none of it is secret. */
export interface CertificateInfo {
  /** Where it comes from. */
  type: CertificateConfig["type"];
  /** NAMESPACE/NAME of the Secret. */
  secret: string;
  /** Names that it covers; if it is issued elsewhere, those that it has to cover. */
  dnsNames: string[];
  /** SHA-256 of the DER encoding, 32 hexadecimal pairs separated by colons. Only for certificates issued here. */
  fingerprintSha256?: string;
  /** Expiry, RFC 3339. Only for certificates issued here. */
  notAfter?: string;
  /** From then on `pulumi up` issues a new certificate, RFC 3339. Only for certificates issued here. */
  renewalTime?: string;
  /** Set if the certificate is due for renewal or has expired. */
  warning?: string;
  /** Certificate that clients have to trust: the CA, or the self-signed certificate itself. Only for certificates issued here. */
  trustAnchorPem?: string;
}

/**
 * A certificate and its Secret: issued here (`self-signed`, `ca-signed`), or elsewhere (`existing`, `cert-manager`), in which case
 * no key passes through Pulumi.
 */
export class Certificate extends pulumi.ComponentResource {
  /** Name of the kubernetes.io/tls Secret, for `TlsGateway`. */
  readonly secretName: pulumi.Output<string>;
  /** Names, fingerprint, expiry, and what clients have to trust. */
  readonly info: pulumi.Output<CertificateInfo>;

  constructor(name: string, args: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:Certificate", name, {}, opts);
    const { config, dnsNames, gateway, protect } = args;
    const names = pulumi.output(dnsNames).apply((all) => [...all]);
    const known = { type: config.type, secret: `${gateway.namespace}/${config.secretName}` };
    if (config.type === "existing" || config.type === "cert-manager") {
      if (config.type === "cert-manager") {
        const metadata = { name: config.secretName, namespace: gateway.namespace, labels: partOf(gateway) };
        new CertManagerCertificate(name, { metadata, spec: requestSpec(config, names) }, { parent: this });
      }
      this.secretName = pulumi.output(config.secretName);
      this.info = names.apply((all) => ({ ...known, dnsNames: all }));
    } else {
      const child = { parent: this };
      const key = new tls.PrivateKey(`${name}-key`, keyArgs(config.keyAlgorithm), { ...child, protect });
      const leaf =
        config.type === "self-signed"
          ? new tls.SelfSignedCert(
              name,
              { privateKeyPem: key.privateKeyPem, ...request(dnsNames), ...terms(config) },
              child,
            )
          : this.signedByCa(name, key, config, dnsNames);
      // Certificates are public, even if they come from a Secret: without this, all of `info` would be secret.
      const authority = pulumi.unsecret(
        pulumi
          .output(config.type === "ca-signed" ? config.caCertificate : "")
          .apply((text) => certificateBlocks(text).join("")),
      );
      const secret = new Secret(
        name,
        {
          metadata: { name: config.secretName, namespace: gateway.namespace, labels: partOf(gateway) },
          type: "kubernetes.io/tls",
          stringData: pulumi
            .all([leaf.certPem, key.privateKeyPem, authority, names])
            .apply(([leafPem, privateKeyPem, authorityPem, all]) =>
              this.checked(known.secret, { leafPem, authorityPem, privateKeyPem, dnsNames: all }),
            ),
        },
        { ...child, protect },
      );
      this.secretName = secret.metadata.name;
      this.info = pulumi.all([leaf.certPem, authority, names]).apply(([certPem, authorityPem, all]) => {
        const { validTo, fingerprint256 } = new X509Certificate(certPem);
        const info = {
          ...known,
          dnsNames: all,
          ...renewal(validTo, config.renewBefore),
          fingerprintSha256: fingerprint256,
          trustAnchorPem: config.type === "ca-signed" ? trustAnchor(authorityPem) : certPem,
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
   * The Secret's content, checked.
   * @throws {pulumi.ResourceError} if the listener could not serve it: the Secret then stays as it was.
   */
  private checked(secret: string, pair: KeyPair): Record<"tls.crt" | "tls.key", string> {
    const problems = keyPairProblems(pair);
    if (problems.length > 0) {
      const message = `the certificate for ${secret} cannot be served, so the Secret was not changed`;
      throw new pulumi.ResourceError(`${message}: ${problems.join("; ")}`, this, true);
    }
    return { "tls.crt": servedChain(pair.leafPem, pair.authorityPem), "tls.key": pair.privateKeyPem };
  }

  private signedByCa(
    name: string,
    key: tls.PrivateKey,
    config: Extract<IssuedCertificateConfig, { type: "ca-signed" }>,
    dnsNames: pulumi.Input<readonly string[]>,
  ): tls.LocallySignedCert {
    const child = { parent: this };
    const csr = new tls.CertRequest(name, { privateKeyPem: key.privateKeyPem, ...request(dnsNames) }, child);
    return new tls.LocallySignedCert(
      name,
      {
        certRequestPem: csr.certRequestPem,
        caCertPem: pulumi.output(config.caCertificate).apply((text) => certificateBlocks(text)[0] ?? text),
        caPrivateKeyPem: pulumi.secret(config.caPrivateKey),
        ...terms(config),
      },
      child,
    );
  }
}

/** https://www.pulumi.com/registry/packages/tls/api-docs/privatekey/#inputs */
export function keyArgs(algorithm: KeyAlgorithm): {
  algorithm: "RSA" | "ECDSA";
  ecdsaCurve?: string;
  rsaBits?: number;
} {
  return algorithm === "ecdsa-p256"
    ? { algorithm: "ECDSA", ecdsaCurve: "P256" }
    : { algorithm: "RSA", rsaBits: Number(algorithm.replace("rsa-", "")) };
}

/** What cert-manager is asked for. It renews after two thirds of the time that the issuer grants. */
function requestSpec(
  { secretName, issuer, issuerKind, keyAlgorithm }: Extract<CertificateConfig, { type: "cert-manager" }>,
  dnsNames: pulumi.Input<string[]>,
): CertManagerCertificateSpec {
  const { algorithm, ecdsaCurve, rsaBits } = keyArgs(keyAlgorithm);
  return {
    secretName,
    dnsNames,
    issuerRef: { group: "cert-manager.io", kind: issuerKind, name: issuer },
    privateKey: {
      algorithm,
      size: rsaBits ?? Number(ecdsaCurve?.slice(1)),
      rotationPolicy: "Always",
    },
    usages: allowedUses(keyAlgorithm).map((use) => use.replace("_", " ")),
  };
}

/** Names of the certificate. Clients read the SANs; its subject is for humans. */
export function request(dnsNames: pulumi.Input<readonly string[]>) {
  return Array.isArray(dnsNames)
    ? { subject: subjectOf(dnsNames as readonly string[]), dnsNames: [...(dnsNames as readonly string[])] }
    : {
        subject: pulumi.output(dnsNames).apply(subjectOf),
        dnsNames: pulumi.output(dnsNames).apply((names) => [...names]),
      };
}

/** RFC 5280, appendix A.1: ub-common-name. */
const MAX_COMMON_NAME = 64;

/** Never empty: that of a self-signed certificate is its issuer too, which has to have a name (RFC 5280, section 4.1.2.4). */
function subjectOf([commonName = ""]: readonly string[]): { commonName: string } | { organization: string } {
  return commonName.length <= MAX_COMMON_NAME ? { commonName } : { organization: "Unified Istio gateway" };
}

/** How long the certificate is valid, and what it may be used for. Both times are in hours. */
export function terms(config: Pick<IssuedCertificateConfig, "keyAlgorithm" | "validity" | "renewBefore">): {
  validityPeriodHours: number;
  earlyRenewalHours: number;
  allowedUses: string[];
} {
  return {
    validityPeriodHours: hours(config.validity),
    earlyRenewalHours: hours(config.renewBefore),
    allowedUses: allowedUses(config.keyAlgorithm),
  };
}

/** ECDSA keys must not have keyEncipherment (RFC 8813, section 3). */
function allowedUses(algorithm: KeyAlgorithm): string[] {
  return ["digital_signature", ...(algorithm === "ecdsa-p256" ? [] : ["key_encipherment"]), "server_auth"];
}
