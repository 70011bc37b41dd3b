import { accessesOf } from "../../components/access/byAccess";
import { ownName, SUFFIXES } from "../../components/shared/naming";
import type { StackConfig } from "../../config";
import { HTTPS_PORT, httpsUrl } from "../../config/resolve/protocols";
import { get, type Answer } from "../client";
import { diagnose } from "../diagnosis";
import { sampleOf } from "../hosts";
import { row, type Diagnosis, type Row } from "../row";
import type { Target } from "../target";

/** Plain HTTP is redirected to the same URL on https, except for hosts with `plainHttp`. */
export function checkRedirect({ config, route }: Target): Promise<Row[]> {
  const { statusCode } = config.gateway.httpsRedirect;
  const isPlain = new Set(config.plainListeners.map(({ hostname }) => hostname));
  // A host on several ports is redirected to 443.
  const ports = new Map(
    [...config.services]
      .sort((a, b) => Number(a.listenPort === HTTPS_PORT) - Number(b.listenPort === HTTPS_PORT))
      .flatMap(({ hosts, listenPort }) => hosts.map(({ host }) => [host, listenPort] as const)),
  );
  return Promise.all(
    [...ports].map(async ([name, port]) => {
      const host = sampleOf(name);
      if (isPlain.has(name)) {
        return plainRow(host, await get(`http://${host}/`, route), config);
      }
      const answer = await get(`http://${host}/verify?query=1`, route);
      const location = answer.headers.location ?? "";
      const passed = answer.status === statusCode && location === `${httpsUrl(host, port)}/verify?query=1`;
      const seen = answer.error ?? `${answer.status} ${location}`.trim();
      return row("redirect", `http://${host} redirects to https`, passed, seen, causeOf(answer, host, config));
    }),
  );
}

/** A host that is served without TLS too: whatever answers, it is not the redirect. */
function plainRow(host: string, answer: Answer, config: StackConfig): Row {
  const { status, headers, error } = answer;
  const isRedirected = headers.location?.startsWith(`https://${host}`) === true;
  const passed = status > 0 && status < 500 && status !== 404 && !isRedirected;
  const seen = error ?? `${status} ${headers.location ?? ""}`.trim();
  return row("redirect", `http://${host} is served without TLS`, passed, seen, diagnose(answer, host, config));
}

function causeOf(answer: Answer, host: string, config: StackConfig): Diagnosis {
  const more = `kubectl describe httproute ${ownName(config.gateway, SUFFIXES.redirect)} -n ${config.gateway.namespace}`;
  // Services' access does not apply to the redirect, so a refusal means that the redirect is missing.
  const isGuarded = config.services.flatMap(accessesOf).some(Boolean);
  if (answer.status === 404 || (answer.status === 403 && isGuarded)) {
    return { cause: "the redirect's route is missing or not accepted", more };
  }
  const redirects = answer.status >= 300 && answer.status < 400;
  return redirects ? { cause: "a redirect other than this gateway's answers", more } : diagnose(answer, host, config);
}
