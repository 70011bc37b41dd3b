import { GATEWAY_LABEL, namesOf } from "../../../components/metrics/names";
import type { Service } from "../../../config";

/** Samples of one minute, by series; `day` is the time of minute 0 in seconds. */
type Samples = (minute: number, day: number) => Record<string, number>;

/** For each alert, measurements at which it fires, and others, close to them, at which it must not. */
export function alertCases(service: Service, gateway: string): Record<string, { firing: Samples; quiet: Samples }> {
  const { requests, completed, timeBuckets } = namesOf(service);
  const ofGateway = `{${GATEWAY_LABEL}="${gateway}"}`;
  const [backend] = service.rules[0]?.backends ?? [];
  const cluster = `outbound|${backend?.port ?? 0}||${backend?.service ?? ""}.${backend?.namespace ?? ""}.svc.cluster.local`;
  // Availability of 99 %: the budget is 1 %, and burns too fast above 14.4 %.
  const failing = (percent: number) => (minute: number) => ({
    [completed]: minute * 100,
    [`${requests}{response_code_class="5xx"}`]: minute * percent,
  });
  // 95 of 100 within 200 ms.
  const slow = (percent: number) => (minute: number) => ({
    [`${timeBuckets}{le="100"}`]: minute * (100 - percent),
    [`${timeBuckets}{le="250"}`]: minute * (100 - percent),
    [`${timeBuckets}{le="500"}`]: minute * 100,
    [`${timeBuckets}{le="+Inf"}`]: minute * 100,
  });
  const certificate = (days: number) => (_: number, day: number) => ({
    [`envoy_listener_0_0_0_0_443_ssl_certificate_x_expiration_unix_time_seconds${ofGateway}`]: day + days * 86_400,
  });
  const rejected = (last: number) => (minute: number) => ({
    [`envoy_listener_manager_lds_update_rejected${ofGateway}`]: minute < 65 ? 3 : last,
  });
  const healthy = (count: number) => () => ({
    [`envoy_cluster_membership_healthy{cluster_name="${cluster}"}`]: count,
  });
  return {
    GatewayErrorBudgetBurns: { firing: failing(16), quiet: failing(13) },
    GatewayLatency: { firing: slow(7), quiet: slow(3) },
    GatewayCertificateExpires: { firing: certificate(13), quiet: certificate(15) },
    GatewayConfigRejected: { firing: rejected(4), quiet: rejected(3) },
    GatewayNoHealthyBackend: { firing: healthy(0), quiet: healthy(1) },
  };
}
