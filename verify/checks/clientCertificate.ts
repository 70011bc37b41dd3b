import { ownName, SUFFIXES } from "../../components/shared/naming";
import { get } from "../client";
import { diagnose } from "../diagnosis";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";

/** What a gateway that asks clients for a certificate makes of this one, and of one that has none. */
export interface ClientCertificateCheck {
  readonly rows: readonly Row[];
  /** Whether requests of this client get through. */
  readonly admitted: boolean;
}

const UNTRUSTED = "no CA of gateway.tls.clientCertificates signed it, it has expired, or it is not meant for clients";

export async function checkClientCertificate({ config, route }: Target): Promise<ClientCertificateCheck> {
  if (config.gateway.tls.clientCertificates?.mode !== "AllowValidOnly") {
    return { rows: [], admitted: true };
  }
  const { name, namespace } = config.gateway;
  const url = `https://${config.services[0]?.host ?? config.domain}/`;
  const more = `kubectl get gateway ${name} -n ${namespace} -o yaml; kubectl get configmap ${ownName(config.gateway, SUFFIXES.clientAuthorities)} -n ${namespace} -o yaml`;
  const { identity } = route;
  const stranger = await get(url, { ...route, identity: undefined });
  // The refusal is an alert of TLS; whatever else keeps a client out is none.
  const refused = row(
    "client-certificate",
    "clients without a certificate are refused",
    stranger.status === 0 && /alert/.test(stranger.error ?? ""),
    stranger.error ?? String(stranger.status),
    { cause: "the https listener asks for none: gateway.tls.clientCertificates is not in force", more },
  );
  const what = "this client's certificate is accepted";
  if (identity === undefined) {
    const reason = "the gateway asks for one: name it by --client-cert and --client-key; what needs it is left out";
    return { rows: [refused, skipped("client-certificate", what, reason)], admitted: false };
  }
  const answer = await get(url, route);
  const { status, error = String(status) } = answer;
  const diagnosis = /alert/.test(error) ? { cause: UNTRUSTED, more } : diagnose(answer, new URL(url).hostname, config);
  const accepted = row("client-certificate", what, status > 0, error, diagnosis);
  return { rows: [refused, accepted], admitted: status > 0 };
}
