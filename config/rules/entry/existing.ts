import { tellsClients } from "../../schema/entry/clientAddress";
import type { GatewayConfig } from "../../schema/entry/gateway";
import { infrastructureSchema } from "../../schema/entry/infrastructure";
import type { Problem } from "../../values/problem";
import { sameContent } from "../../values/sameContent";
import type { CheckedStack } from "../checkedStack";

/** Keys that have no effect on Pods and a Service that somebody else made. */
export function existingProblems({ gateway, telemetry }: CheckedStack): Problem[] {
  if (gateway?.existing === undefined) {
    return [];
  }
  const { existing, namespace, address, infrastructure, clientAddress } = gateway;
  const problems: Problem[] = [];
  if (existing.namespace !== undefined && existing.namespace !== namespace) {
    const expected = `${existing.namespace}, that of gateway.existing: policies and filters reach only Pods of their own namespace`;
    problems.push({ path: "gateway.namespace", value: namespace, expected });
  }
  const because = "not allowed with gateway.existing: set it where the Service and its Pods are defined";
  const given = changedKeys(infrastructure);
  problems.push(
    ...given.map((key) => ({ path: `gateway.infrastructure.${key}`, value: infrastructure[key], expected: because })),
    ...(address === undefined ? [] : [{ path: "gateway.address", value: address, expected: because }]),
  );
  if (telemetry?.metrics !== undefined) {
    const expected =
      "not allowed with gateway.existing: it counts by annotations of the Pods, which somebody else sets";
    problems.push({ path: "telemetry.metrics", value: telemetry.metrics, expected });
  }
  if (tellsClients(clientAddress)) {
    const expected = `{ trustedProxies: 0 }, or no gateway.existing: the annotation proxy.istio.io/config of its Pods says how many proxies are trusted`;
    problems.push({ path: "gateway.clientAddress", value: clientAddress, expected });
  }
  return problems;
}

/** Keys that differ from their defaults. */
function changedKeys(infrastructure: GatewayConfig["infrastructure"]): (keyof GatewayConfig["infrastructure"])[] {
  const defaults = infrastructureSchema.parse({});
  return (Object.keys(infrastructure) as (keyof GatewayConfig["infrastructure"])[]).filter(
    (key) => !sameContent(infrastructure[key], defaults[key]),
  );
}
