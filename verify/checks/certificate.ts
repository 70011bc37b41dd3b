import type { PeerCertificate } from "node:tls";
import { milliseconds } from "../../config";
import type { Listener } from "../../config/resolve/listeners";
import { authority } from "../../config/resolve/protocols";
import { handshake } from "../client";
import { sampleOf } from "../hosts";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";

const DAY_MS = milliseconds("1d");
/** A certificate with fewer days left should have been renewed. */
const FEWEST_DAYS = 7;

/** The certificate of each listener: which names it covers, who signed it, how long it is valid, and whether it is the stack's. */
export async function checkCertificate(target: Target): Promise<Row[]> {
  return (await Promise.all(target.config.listeners.map((listener) => ofListener(listener, target)))).flat();
}

async function ofListener({ name, hostname = "*", port, secretNames }: Listener, target: Target): Promise<Row[]> {
  const { config, outputs, route, trust } = target;
  const { gateway } = config;
  const hosts = config.services.flatMap((service) => service.hosts).filter(({ listener }) => listener === name);
  const host = sampleOf(hosts[0]?.host ?? hostname);
  const seen = await handshake(host, route, { ca: trust, port });
  const more = `kubectl get secret ${secretNames[0] ?? ""} -n ${gateway.namespace} -o jsonpath='{.data.tls\\.crt}' | base64 -d | openssl x509 -noout -text`;
  const what = (claim: string) => `${authority(hostname, port)}: ${claim}`;
  if (seen.certificate === undefined) {
    return [
      row("certificate", what("a certificate is served"), false, seen.error ?? "none", {
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
      what("the certificate is within its dates"),
      days > FEWEST_DAYS,
      `${leaf.valid_to}, ${Math.floor(days)} days left`,
      {
        cause: days <= 0 ? "the certificate has expired" : "the certificate should have been renewed by now",
        more: `pulumi up --stack ${target.stack}`,
      },
    ),
  ];
  if (hostname !== "*") {
    const missing = [...new Set(hosts.map((one) => one.host))].filter((one) => !isCovered(one, namesOf(leaf)));
    rows.push(
      row("certificate", what("the certificate covers its hosts"), missing.length === 0, namesOf(leaf).join(", "), {
        cause: `the Secret holds a certificate for other names, without ${missing.join(", ")}`,
        more,
      }),
    );
  }
  // Other rows report an expired certificate, and a wrong name.
  const told = ["CERT_HAS_EXPIRED", "ERR_TLS_CERT_ALTNAME_INVALID"];
  const chain = told.includes(seen.distrust ?? "") ? undefined : seen.distrust;
  if (seen.distrust !== "CERT_HAS_EXPIRED") {
    rows.push(
      row(
        "certificate",
        what("the certificate chain verifies"),
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
  const issued = (outputs?.certificates ?? [])
    .filter(({ secret }) => secretNames.some((secretName) => secret === `${gateway.namespace}/${secretName}`))
    .flatMap(({ fingerprintSha256 }) => fingerprintSha256 ?? []);
  const own = what("the certificate is the stack's");
  rows.push(
    issued.length === 0
      ? skipped("certificate", own, "the stack's outputs contain no fingerprint")
      : row("certificate", own, issued.includes(leaf.fingerprint256), leaf.fingerprint256, {
          cause: "it is not one that the stack issued: the Secret was changed, or Envoy has not loaded it",
          more,
        }),
  );
  return rows;
}

function isCovered(host: string, names: readonly string[]): boolean {
  return names.includes(host) || names.includes(host.replace(/^[^.]+/, "*"));
}

function namesOf({ subjectaltname = "" }: PeerCertificate): string[] {
  return subjectaltname.split(", ").map((name) => name.replace(/^DNS:/, ""));
}
