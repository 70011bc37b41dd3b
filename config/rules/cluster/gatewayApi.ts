import { fieldUses, prunedFields } from "../../resolve/fieldUses";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** What the CRDs that rendered YAML is for lack. A cluster's CRDs are checked later, before anything is created. */
export function gatewayApiProblems(stack: CheckedStack): Problem[] {
  const { kubernetes } = stack;
  if (kubernetes === undefined) {
    return [];
  }
  const path = "kubernetes.gatewayApi";
  const { gatewayApi: value, renderDirectory, istioStack } = kubernetes;
  if (istioStack !== undefined && renderDirectory !== undefined) {
    const expected =
      "not allowed together with kubernetes.renderDirectory: kubernetes.gatewayApi says what the YAML is for";
    return [{ path: "kubernetes.istioStack", value: istioStack, expected }];
  }
  if (renderDirectory === undefined) {
    const expected = "not allowed without kubernetes.renderDirectory: the CRDs are read from the cluster";
    return value === undefined ? [] : [{ path, value, expected }];
  }
  const uses = fieldUses({ ...stack, services: [...stack.services, ...stack.streams] });
  if (value !== undefined) {
    return prunedFields(uses, value);
  }
  const [use] = uses;
  const expected = (at: string) =>
    `the channel and the version of the CRDs that the YAML is for: not all of them support ${at}`;
  return use === undefined ? [] : [{ path, expected: expected(use.path) }];
}
