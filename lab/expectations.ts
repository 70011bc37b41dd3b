import type { Rule, Service } from "../config";
import { admitsAddress } from "../config/resolve/entrance";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "./addresses";
import type { Match } from "../config/schema/routing/match";

/** The rule that should match a plain GET of a path: rules are in the order in which they are tried. */
export function ruleFor(service: Service, path: string): Rule | undefined {
  return service.rules.find((rule) => {
    if (rule.match !== undefined && !isPlainGet(rule.match)) {
      return false;
    }
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

function isPlainGet({ method = "GET", headers = {}, query = {} }: Match): boolean {
  return method === "GET" && Object.keys(headers).length + Object.keys(query).length === 0;
}

const CLIENTS = [CLIENT_INSIDE, CLIENT_OUTSIDE];

/** The lab's clients that a service's address lists let in, and those that they refuse. */
export function clientsOf({ access }: Pick<Service, "access">): { admitted: string[]; refused: string[] } {
  const enters = (address: string) => admitsAddress(access, address) === "admitted";
  return { admitted: CLIENTS.filter(enters), refused: CLIENTS.filter((address) => !enters(address)) };
}
