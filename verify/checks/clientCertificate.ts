import { ownName, SUFFIXES } from "../../components/shared/naming";
import type { Listener } from "../../config/resolve/listeners";
import { httpsUrl } from "../../config/resolve/protocols";
import { get } from "../client";
import { diagnose } from "../diagnosis";
import { sampleOf } from "../hosts";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";

/** Whether listeners that require client certificates admit this client, and refuse one without a certificate. */
export interface ClientCertificateCheck {
  readonly rows: readonly Row[];
  /** Names of the listeners through which this client's requests get. */
  readonly admitting: ReadonlySet<string>;
}

const UNTRUSTED = "no CA of clientCertificates signed it, it has expired or is revoked, or it is no client certificate";

export async function checkClientCertificate(target: Target): Promise<ClientCertificateCheck> {
  const checks = await Promise.all(target.config.listeners.map((listener) => ofListener(listener, target)));
  return {
    rows: checks.flatMap(({ rows }) => rows),
    admitting: new Set(checks.filter(({ admitted }) => admitted).map(({ name }) => name)),
  };
}

async function ofListener(
  { name, hostname = "*", port, secretNames, clientCertificates }: Listener,
  { config, route }: Target,
): Promise<{ name: string; rows: Row[]; admitted: boolean }> {
  const { gateway, services } = config;
  if (clientCertificates === undefined && gateway.tls.clientCertificates?.mode !== "AllowValidOnly") {
    return { name, rows: [], admitted: true };
  }
  const { namespace } = gateway;
  const host = services.flatMap((service) => service.hosts).find(({ listener }) => listener === name)?.host;
  const url = `${httpsUrl(sampleOf(host ?? hostname), port)}/`;
  const authorities =
    clientCertificates === undefined
      ? `configmap ${ownName(gateway, SUFFIXES.clientAuthorities)}`
      : `secret ${secretNames[0] ?? ""}-cacert`;
  const more = `kubectl get gateway ${gateway.name} -n ${namespace} -o yaml; kubectl get ${authorities} -n ${namespace} -o yaml`;
  const { identity } = route;
  const stranger = await get(url, { ...route, identity: undefined });
  // The refusal is a TLS alert; nothing else that keeps a client out is one.
  const refused = row(
    "client-certificate",
    `${hostname}: clients without a certificate are refused`,
    stranger.status === 0 && /alert/.test(stranger.error ?? ""),
    stranger.error ?? String(stranger.status),
    { cause: "the listener does not require one: clientCertificates is not in force", more },
  );
  const what = `${hostname}: this client's certificate is accepted`;
  if (identity === undefined) {
    const reason = "it is required: pass --client-cert and --client-key; checks that need it are left out";
    return { name, rows: [refused, skipped("client-certificate", what, reason)], admitted: false };
  }
  const answer = await get(url, route);
  const { status, error = String(status) } = answer;
  const diagnosis = /alert/.test(error) ? { cause: UNTRUSTED, more } : diagnose(answer, new URL(url).hostname, config);
  const accepted = row("client-certificate", what, status > 0, error, diagnosis);
  return { name, rows: [refused, accepted], admitted: status > 0 };
}
