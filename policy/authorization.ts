import { isKind, objectName, type ResourcePolicy } from "./policy";

interface AuthorizationProps {
  spec?: { action?: string; rules?: { from?: unknown[]; to?: unknown[]; when?: unknown[] }[] };
}

export const noEmptyAllowRule: ResourcePolicy = {
  name: "no-empty-allow-rule",
  description: "No AuthorizationPolicy has an allow rule without a condition, which would admit everyone.",
  level: "mandatory",
  check: (resource) => {
    if (!isKind(resource, "security.istio.io", "AuthorizationPolicy")) {
      return [];
    }
    const { action = "ALLOW", rules = [] } = (resource.props as AuthorizationProps).spec ?? {};
    const empty = rules.some(({ from = [], to = [], when = [] }) => from.length + to.length + when.length === 0);
    return action === "ALLOW" && empty ? [`${objectName(resource)} allows everyone: specify who, where or when.`] : [];
  },
};
