import type { PeerCertificate } from "node:tls";
import { milliseconds } from "../../config";
import { handshake } from "../client";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";

const DAY_MS = milliseconds("1d");
/** A certificate with fewer days left should have been renewed. */
const FEWEST_DAYS = 7;

/** The served certificate: which names it covers, who signed it, how long it is valid, and whether it is the stack's. */
export async function checkCertificate(target: Target): Promise<Row[]> {
  const { config, outputs, route, trust } = target;
  const host = config.services[0]?.host ?? config.domain;
  const seen = await handshake(host, route, { ca: trust });
  const { gateway, certificate } = config;
  const more = `kubectl get secret ${certificate.secretName} -n ${gateway.namespace} -o jsonpath='{.data.tls\\.crt}' | base64 -d | openssl x509 -noout -text`;
  if (seen.certificate === undefined) {
    return [
      row("certificate", "a certificate is served", false, seen.error ?? "none", {
        cause: "the listener has no certificate: the Secret is missing, or istiod may not read it",
        more: `kubectl describe gateway ${gateway.name} -n ${gateway.namespace}`,
      }),
    ];
  }
  const leaf = seen.certificate;
  const days = (Date.parse(leaf.valid_to) - Date.now()) / DAY_MS;
  const rows = [
    row(
      "certificate",
      "the certificate is within its dates",
      days > FEWEST_DAYS,
      `${leaf.valid_to}, ${Math.floor(days)} days left`,
      {
        cause: days <= 0 ? "the certificate has expired" : "the certificate should have been renewed by now",
        more: `pulumi up --stack ${target.stack}`,
      },
    ),
    row(
      "certificate",
      `the certificate covers *.${config.domain}`,
      namesOf(leaf).includes(`*.${config.domain}`),
      namesOf(leaf).join(", "),
      {
        cause: "the Secret holds a certificate for other names",
        more,
      },
    ),
  ];
  // An expired certificate has its own row.
  const chain = seen.distrust === "CERT_HAS_EXPIRED" ? undefined : seen.distrust;
  if (seen.distrust !== "CERT_HAS_EXPIRED") {
    rows.push(
      row(
        "certificate",
        "the certificate chain verifies",
        chain === undefined,
        chain ?? `OK, serial ${leaf.serialNumber}`,
        {
          cause:
            trust === undefined
              ? "no CA that the system trusts signed it: pass the CA with --ca, or give access to the stack's outputs"
              : "it was not signed by the stack's key or CA: the Secret was changed, or Envoy has not loaded it",
          more,
        },
      ),
    );
  }
  const fingerprint = outputs?.certificate.fingerprintSha256;
  rows.push(
    fingerprint === undefined
      ? skipped("certificate", "the certificate is the stack's", "the stack's outputs contain no fingerprint")
      : row("certificate", "the certificate is the stack's", leaf.fingerprint256 === fingerprint, leaf.fingerprint256, {
          cause: "it is not the one that the stack issued: the Secret was changed, or Envoy has not loaded it",
          more,
        }),
  );
  return rows;
}

function namesOf({ subjectaltname = "" }: PeerCertificate): string[] {
  return subjectaltname.split(", ").map((name) => name.replace(/^DNS:/, ""));
}
