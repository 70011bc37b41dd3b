import { hstsValue } from "../../components/routing/hsts";
import { HSTS_HEADER } from "../../config/schema/entry/hsts";
import { INTERNAL_RESPONSE_HEADERS } from "../../components/entry/internalHeaders";
import { partOf } from "../../components/shared/naming";
import type { Rule, Service, StackConfig } from "../../config";
import { get, type Answer } from "../client";
import { selectorOf } from "../cluster/kubectl";
import { isGatewaysOwn, plainRules } from "../expectations";
import { servedUrls } from "../hosts";
import { row, type Row } from "../row";
import type { Target } from "../target";

/** Responses of each service: HSTS as configured, and none of the headers to remove. */
export async function checkHeaders({ config, route }: Target): Promise<Row[]> {
  const rows = config.services.map(async (service) => {
    const [rule] = plainRules(service);
    if (rule === undefined) {
      return [];
    }
    const rows = servedUrls(service).map(async (origin) => {
      const url = `${origin}${rule.path}`;
      const answer = await get(url, route);
      // If no backend answers, another row reports it.
      const isBackends = answer.status > 0 && answer.status < 500 && answer.status !== 401 && !isGatewaysOwn(answer);
      return isBackends ? [...strictTransport(url, answer, service), ...nothingInside(url, answer, rule, config)] : [];
    });
    return (await Promise.all(rows)).flat();
  });
  return (await Promise.all(rows)).flat();
}

function strictTransport(url: string, { headers }: Answer, { name, namespace, protocol, hsts }: Service): Row[] {
  if (hsts === undefined) {
    return [];
  }
  const wanted = hstsValue(hsts);
  const seen = headers[HSTS_HEADER];
  return [
    row("headers", `${url} sends HSTS`, seen === wanted, seen ?? `no ${HSTS_HEADER}`, {
      cause: `expected ${wanted}: the route's response headers are not in force`,
      more: `kubectl get ${protocol}route ${name} -n ${namespace} -o yaml`,
    }),
  ];
}

function nothingInside(url: string, { headers }: Answer, { responseHeaders }: Rule, { gateway }: StackConfig): Row[] {
  const own = (responseHeaders?.remove ?? []).map((header) => header.toLowerCase());
  const hardening = hardeningRemoves(gateway);
  if (own.length + hardening.length === 0) {
    return [];
  }
  const leaks = [...own, ...hardening].filter((header) => headers[header] !== undefined);
  const seen = leaks.map((header) => `${header}: ${String(headers[header])}`).join(", ");
  return [
    row("headers", `${url} reveals no internals`, leaks.length === 0, seen || "nothing", {
      cause: `${own.includes(leaks[0] ?? "") ? "the service's responseHeaders are" : "the gateway's hardening is"} not in force`,
      more: `kubectl get envoyfilter,httproute,grpcroute -A -l ${selectorOf(partOf(gateway))}`,
    }),
  ];
}

function hardeningRemoves({ hardening }: StackConfig["gateway"]): string[] {
  return hardening === false
    ? []
    : [
        ...(hardening.removeServerHeader ? ["server"] : []),
        ...(hardening.removeInternalHeaders ? INTERNAL_RESPONSE_HEADERS : []),
      ];
}
