import { ownName } from "../../components/shared/naming";
import type { Service, StackConfig } from "../../config";
import { admits } from "../../config/resolve/entrance";
import { get, type Answer } from "../client";
import { diagnose } from "../diagnosis";
import { isGatewaysOwn, isRefusal, plainRules } from "../expectations";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";

/** A backend answers every host and path for clients that may enter, and none answers any other host. */
export async function checkRoutes({ config, route }: Target): Promise<Row[]> {
  const paths = config.services.flatMap((service) =>
    plainRules(service).map(async ({ path }) => {
      const url = `https://${service.host}${path}`;
      return routeRow(url, await get(url, route), service, config, route.from);
    }),
  );
  const expressions = config.services.flatMap(({ host, rules }) =>
    rules
      .filter(({ type, match = {} }) => type === "RegularExpression" && Object.keys(match).length === 0)
      .map(({ path }) =>
        skipped("routes", `https://${host}${path} answers`, "a regular expression is not a single path"),
      ),
  );
  const unknown = get(`https://verify-unknown.${config.domain}/`, route).then((answer) =>
    row(
      "routes",
      "an unknown host is refused",
      answer.status === 404 || answer.status === 403,
      answer.error ?? String(answer.status),
      {
        cause: "a route matches every host",
        more: "kubectl get httproutes -A",
      },
    ),
  );
  return [...(await Promise.all(paths)), ...expressions, await unknown];
}

function routeRow(url: string, answer: Answer, service: Service, config: StackConfig, from: string | undefined): Row {
  const { status } = answer;
  const wanted = admits(service.access, from);
  const isRefused = isRefusal(answer) || (status === 403 && service.access?.externalAuthorization !== undefined);
  if (wanted === "refused" || (wanted === "unknown" && isRefused)) {
    const client = service.access?.jwt === undefined ? (from ?? "this client") : "clients without a token";
    const seen = answer.error ?? `${status}${isRefused ? ", as configured" : ""}`;
    // Refused clients never reach the backend, so a missing one does not matter here.
    const cause = status < 500 && status > 0 ? NOT_REFUSED : diagnose(answer, service.host, config, service).cause;
    const more = `kubectl get envoyfilter ${ownName(config.gateway, "access")} -n ${config.gateway.namespace} -o yaml`;
    return row("access", `${url} refuses ${client}`, isRefused, seen, { cause, more });
  }
  const answered = status > 0 && status < 500 && !isGatewaysOwn(answer);
  const seen = answer.error ?? String(status);
  return row("routes", `${url} answers`, answered, seen, diagnose(answer, service.host, config, service));
}

const NOT_REFUSED =
  "the access rule is not in force, or something between client and gateway changes the client's address";
