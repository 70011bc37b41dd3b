import { tellsClients } from "../../schema/entry/clientAddress";
import type { GatewayConfig } from "../../schema/entry/gateway";
import { infrastructureSchema } from "../../schema/entry/infrastructure";
import type { Problem } from "../../values/problem";
import { sameContent } from "../../values/sameContent";
import type { CheckedStack } from "../checkedStack";

/** Keys that have no effect on Pods and a Service that somebody else made. */
export function existingProblems({ gateway }: CheckedStack): Problem[] {
  if (gateway?.existing === undefined) {
    return [];
  }
  const { existing, namespace, address, infrastructure, revision, clientAddress } = gateway;
  const problems: Problem[] = [];
  if (existing.namespace !== undefined && existing.namespace !== namespace) {
    const expected = `${existing.namespace}, that of gateway.existing: policies and filters reach only Pods of their own namespace`;
    problems.push({ path: "gateway.namespace", value: namespace, expected });
  }
  const because = "not allowed with gateway.existing: whoever made the Service and its Pods sets it there";
  const given = changedKeys(infrastructure);
  problems.push(
    ...given.map((key) => ({ path: `gateway.infrastructure.${key}`, value: infrastructure[key], expected: because })),
    ...(address === undefined ? [] : [{ path: "gateway.address", value: address, expected: because }]),
    ...(revision === undefined ? [] : [{ path: "gateway.revision", value: revision, expected: because }]),
  );
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
