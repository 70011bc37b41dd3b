import { ownName, SUFFIXES } from "../../components/shared/naming";
import { get } from "../client";
import { diagnose } from "../diagnosis";
import { someHost } from "../hosts";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";

/** Whether a gateway that requires client certificates admits this client, and refuses one without a certificate. */
export interface ClientCertificateCheck {
  readonly rows: readonly Row[];
  /** Whether this client's requests get through. */
  readonly admitted: boolean;
}

const UNTRUSTED =
  "no CA of gateway.tls.clientCertificates signed it, it has expired, or it is not a client certificate";

export async function checkClientCertificate({ config, route }: Target): Promise<ClientCertificateCheck> {
  if (config.gateway.tls.clientCertificates?.mode !== "AllowValidOnly") {
    return { rows: [], admitted: true };
  }
  const { name, namespace } = config.gateway;
  const url = `https://${someHost(config)}/`;
  const more = `kubectl get gateway ${name} -n ${namespace} -o yaml; kubectl get configmap ${ownName(config.gateway, SUFFIXES.clientAuthorities)} -n ${namespace} -o yaml`;
  const { identity } = route;
  const stranger = await get(url, { ...route, identity: undefined });
  // The refusal is a TLS alert; nothing else that keeps a client out is one.
  const refused = row(
    "client-certificate",
    "clients without a certificate are refused",
    stranger.status === 0 && /alert/.test(stranger.error ?? ""),
    stranger.error ?? String(stranger.status),
    { cause: "the https listener does not require one: gateway.tls.clientCertificates is not in force", more },
  );
  const what = "this client's certificate is accepted";
  if (identity === undefined) {
    const reason = "the gateway requires one: pass --client-cert and --client-key; checks that need it are left out";
    return { rows: [refused, skipped("client-certificate", what, reason)], admitted: false };
  }
  const answer = await get(url, route);
  const { status, error = String(status) } = answer;
  const diagnosis = /alert/.test(error) ? { cause: UNTRUSTED, more } : diagnose(answer, new URL(url).hostname, config);
  const accepted = row("client-certificate", what, status > 0, error, diagnosis);
  return { rows: [refused, accepted], admitted: status > 0 };
}
