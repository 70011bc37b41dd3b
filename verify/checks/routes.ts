import type { Service, StackConfig } from "../../config";
import { admits } from "../../config/resolve/entrance";
import { get, type Answer } from "../client";
import { diagnose } from "../diagnosis";
import { isGatewaysOwn, isRefusal, plainRules } from "../expectations";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";

/** Every host and path leads to a backend that answers whom its access admits, and no other host does. */
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
      .map(({ path }) => skipped("routes", `https://${host}${path} answers`, "a regular expression names no one path")),
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
  return [...(await Promise.all(paths)), ...expressions, await unknown];
}

function routeRow(url: string, answer: Answer, service: Service, config: StackConfig, from: string | undefined): Row {
  const { status } = answer;
  const wanted = admits(service.access, from);
  const isRefused = isRefusal(answer) || (status === 403 && service.access?.externalAuthorization !== undefined);
  if (wanted === "refused" || (wanted === "unknown" && isRefused)) {
    const client = service.access?.jwt === undefined ? (from ?? "this client") : "clients without a token";
    const seen = answer.error ?? `${status}${isRefused ? ", as its access says" : ""}`;
    // A backend that is missing is another matter, and is not reached by those who are refused.
    const cause = status < 500 && status > 0 ? NOT_REFUSED : diagnose(answer, service.host, config).cause;
    const more = `kubectl get authorizationpolicy,requestauthentication -n ${config.gateway.namespace} -o yaml`;
    return row("access", `${url} refuses ${client}`, isRefused, seen, { cause, more });
  }
  const answered = status > 0 && status < 500 && !isGatewaysOwn(answer);
  const seen = answer.error ?? String(status);
  return row("routes", `${url} answers`, answered, seen, diagnose(answer, service.host, config));
}

const NOT_REFUSED =
  "the access rule is not in force, or something between client and gateway changes the client's address";
