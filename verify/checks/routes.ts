import type { Rule } from "../../config";
import { get } from "../client";
import { diagnose } from "../diagnosis";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";

/** Every host and path leads to a backend that answers, and no other host does. */
export async function checkRoutes({ config, route }: Target): Promise<Row[]> {
  const paths = config.services.flatMap(({ host, rules }) =>
    rules.filter(isPlain).map(async (rule) => {
      const url = `https://${host}${rule.path}`;
      if (rule.type === "RegularExpression") {
        return skipped("routes", `${url} answers`, "a regular expression names no one path");
      }
      const answer = await get(url, route);
      const answered = answer.status > 0 && answer.status < 500 && !isGatewaysOwn(answer.status, answer.body);
      return row(
        "routes",
        `${url} answers`,
        answered,
        answer.error ?? String(answer.status),
        diagnose(answer, host, config),
      );
    }),
  );
  const unknown = get(`https://verify-unknown.${config.domain}/`, { ...route, address: route.address }).then((answer) =>
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

/** A rule that a plain GET of its path takes. */
function isPlain({ match }: Rule): boolean {
  return match === undefined || Object.keys(match).length === 0;
}

/** 403, 404 and 429 of the gateway itself, before any backend. */
function isGatewaysOwn(status: number, body: string): boolean {
  return (status === 404 && body === "") || (status === 403 && body.startsWith("RBAC: ")) || status === 429;
}
