import type { Rule, Service } from "../../config";
import { covers } from "../../config/cidr";
import { get, type Answer } from "../client";
import { diagnose } from "../diagnosis";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";

/** Every host and path leads to a backend that answers, and no other host does. */
export async function checkRoutes({ config, route }: Target): Promise<Row[]> {
  const paths = config.services.flatMap((service) =>
    service.rules.filter(isPlain).map(async (rule) => {
      const url = `https://${service.host}${rule.path}`;
      if (rule.type === "RegularExpression") {
        return skipped("routes", `${url} answers`, "a regular expression names no one path");
      }
      const answer = await get(url, route);
      if (refusesAsSaid(service, answer, route.from)) {
        return row("access", `${url} refuses this client`, true, `${answer.status}, as its access says`);
      }
      const answered = answer.status > 0 && answer.status < 500 && !isGatewaysOwn(answer.status, answer.body);
      return row(
        "routes",
        `${url} answers`,
        answered,
        answer.error ?? String(answer.status),
        diagnose(answer, service.host, config),
      );
    }),
  );
  const unknown = get(`https://verify-unknown.${config.domain}/`, route).then((answer) =>
    row(
      "routes",
      "an unknown host is refused",
      answer.status === 404 || answer.status === 403,
      answer.error ?? String(answer.status),
      {
        cause: "a route claims every host",
        more: "kubectl get httproutes -A",
      },
    ),
  );
  return Promise.all([...paths, unknown]);
}

/** Whether a service's own access turns this client away: one without a token, or from an address that it does not admit. */
function refusesAsSaid({ access = {} }: Service, { status, body }: Answer, from: string | undefined): boolean {
  const { allow, deny = [], jwt, externalAuthorization } = access;
  if (jwt !== undefined || externalAuthorization !== undefined) {
    return status === 401 || status === 403;
  }
  const holds = (blocks: readonly string[]) => from === undefined || blocks.some((block) => covers(block, from));
  const refused = (allow !== undefined && (from === undefined || !holds(allow))) || (deny.length > 0 && holds(deny));
  return refused && isDenied(status, body);
}

/** A rule that a plain GET of its path takes. */
function isPlain({ match }: Rule): boolean {
  return match === undefined || Object.keys(match).length === 0;
}

/** 403, 404 and 429 of the gateway itself, before any backend. */
function isGatewaysOwn(status: number, body: string): boolean {
  return (status === 404 && body === "") || isDenied(status, body) || status === 429;
}

/** Envoy's own words where an access rule refuses a request. */
function isDenied(status: number, body: string): boolean {
  return status === 403 && body.startsWith("RBAC: ");
}
