import { ownName, SUFFIXES } from "../../components/shared/naming";
import type { StackConfig } from "../../config";
import { get, type Answer } from "../client";
import { diagnose } from "../diagnosis";
import { sampleOf } from "../hosts";
import { row, type Diagnosis, type Row } from "../row";
import type { Target } from "../target";

/** Plain HTTP is redirected to the same URL on https, and gets nothing else. */
export function checkRedirect({ config, route }: Target): Promise<Row[]> {
  const { statusCode } = config.gateway.httpsRedirect;
  const hosts = new Set(config.services.flatMap((service) => service.hosts.map(({ host }) => sampleOf(host))));
  return Promise.all(
    [...hosts].map(async (host) => {
      const answer = await get(`http://${host}/verify?query=1`, route);
      const location = answer.headers.location ?? "";
      const passed = answer.status === statusCode && location === `https://${host}/verify?query=1`;
      const seen = answer.error ?? `${answer.status} ${location}`.trim();
      return row("redirect", `http://${host} redirects to https`, passed, seen, causeOf(answer, host, config));
    }),
  );
}

function causeOf(answer: Answer, host: string, config: StackConfig): Diagnosis {
  const more = `kubectl describe httproute ${ownName(config.gateway, SUFFIXES.redirect)} -n ${config.gateway.namespace}`;
  // Services' access does not apply to the redirect, so a refusal means that the redirect is missing.
  const isGuarded = config.services.some(({ access }) => access !== undefined);
  if (answer.status === 404 || (answer.status === 403 && isGuarded)) {
    return { cause: "the redirect's route is missing or not accepted", more };
  }
  const redirects = answer.status >= 300 && answer.status < 400;
  return redirects ? { cause: "a redirect other than this gateway's answers", more } : diagnose(answer, host, config);
}
