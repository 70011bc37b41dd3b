import type { Rule, Service } from "../config";

/** The rule that should take a path: rules are in the order in which they are tried. */
export function ruleFor(service: Service, path: string): Rule | undefined {
  return service.rules.find((rule) => {
    switch (rule.type) {
      case "Exact":
        return path === rule.path;
      case "PathPrefix":
        return rule.path === "/" || path === rule.path || path.startsWith(`${rule.path.replace(/\/$/, "")}/`);
      case "RegularExpression":
        return new RegExp(`^(?:${rule.path})$`).test(path);
    }
  });
}
