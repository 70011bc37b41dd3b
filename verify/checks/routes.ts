import { ownName } from "../../components/shared/naming";
import type { Rule, Service, StackConfig } from "../../config";
import { httpsUrl } from "../../config/resolve/protocols";
import { admits } from "../../config/resolve/entrance";
import { get, type Answer } from "../client";
import { diagnose } from "../diagnosis";
import { isGatewaysOwn, isRefusal, ownAnswer, plainRules } from "../expectations";
import { servedUrls, unservedUrl } from "../hosts";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";

/** A backend answers every host and path for clients that may enter, and none answers any other host. */
export async function checkRoutes({ config, route }: Target): Promise<Row[]> {
  const paths = config.services.flatMap((service) =>
    servedUrls(service).flatMap((origin) =>
      plainRules(service).map(async (rule) => {
        const url = `${origin}${rule.path}`;
        return routeRow(url, await get(url, route), service, rule, { config, from: route.from });
      }),
    ),
  );
  const expressions = config.services.flatMap(({ host, listenPort, rules }) =>
    rules
      .filter(({ type, match = {} }) => type === "RegularExpression" && Object.keys(match).length === 0)
      .map(({ path }) =>
        skipped("routes", `${httpsUrl(host, listenPort)}${path} answers`, "a regular expression is not a single path"),
      ),
  );
  return [...(await Promise.all(paths)), ...expressions, ...(await unserved(config, route))];
}

/** Nobody answers a name that no service has. */
async function unserved(config: StackConfig, route: Target["route"]): Promise<Row[]> {
  const url = unservedUrl(config);
  if (url === undefined) {
    return [];
  }
  const { status, error } = await get(url, route);
  return [
    row("routes", "an unknown host is refused", status === 404 || status === 403, error ?? String(status), {
      cause: "a route matches every host",
      more: "kubectl get httproutes -A",
    }),
  ];
}

function routeRow(
  url: string,
  answer: Answer,
  service: Service,
  rule: Rule,
  { config, from }: { config: StackConfig; from: string | undefined },
): Row {
  const { status } = answer;
  const { access } = rule;
  const wanted = admits(access, from);
  const isRefused = isRefusal(answer) || (status === 403 && access?.externalAuthorization !== undefined);
  if (wanted === "refused" || (wanted === "unknown" && isRefused)) {
    const client = access?.jwt === undefined ? (from ?? "this client") : "clients without a token";
    const seen = answer.error ?? `${status}${isRefused ? ", as configured" : ""}`;
    // Refused clients never reach the backend, so a missing one does not matter here.
    const cause =
      status < 500 && status > 0 ? NOT_REFUSED : diagnose(answer, new URL(url).hostname, config, service).cause;
    const more = `kubectl get envoyfilter ${ownName(config.gateway, "access")} -n ${config.gateway.namespace} -o yaml`;
    return row("access", `${url} refuses ${client}`, isRefused, seen, { cause, more });
  }
  const own = ownAnswer(rule, answer, from);
  if (own !== undefined) {
    const more = `kubectl get envoyfilter ${ownName(config.gateway, "answers")} -n ${config.gateway.namespace} -o yaml`;
    const cause = "the gateway's own answer is not in force, or not yet";
    const seen = answer.error ?? [status, answer.headers.location].filter(Boolean).join(" ");
    return row("routes", `${url} ${own.words}`, own.isGiven, seen, { cause, more });
  }
  const answered = status > 0 && status < 500 && !isGatewaysOwn(answer);
  const seen = answer.error ?? String(status);
  return row("routes", `${url} answers`, answered, seen, diagnose(answer, new URL(url).hostname, config, service));
}

const NOT_REFUSED =
  "the access rule is not in force, or something between client and gateway changes the client's address";
