import { milliseconds } from "../../values/duration";
import { bytes } from "../../values/quantity";
import type { Match } from "../../schema/routing/match";
import type { Problem } from "../../values/problem";
import { givenLimits } from "../../resolve/rateLimits";
import type { RateLimitServiceConfig } from "../../schema/limits/rateLimitService";
import type { IndexedService } from "../../schema/service";
import type { CheckedStack } from "../checkedStack";

/** Rules between the listeners' limits, and between them and the services. */
export function hardeningProblems({ gateway, services, rateLimitService }: CheckedStack): Problem[] {
  if (gateway === undefined || gateway.hardening === false) {
    return [];
  }
  const { hardening } = gateway;
  const problems: Problem[] = [];
  const [headers, request] = [hardening.requestHeadersTimeout, hardening.requestTimeout].map(milliseconds);
  if (headers !== undefined && request !== undefined && request > 0 && (headers === 0 || headers > request)) {
    problems.push({
      path: "gateway.hardening.requestHeadersTimeout",
      value: hardening.requestHeadersTimeout,
      expected: `at most requestTimeout (${hardening.requestTimeout}), which includes the headers`,
    });
  }
  if (bytes(hardening.initialStreamWindowSize) > bytes(hardening.initialConnectionWindowSize)) {
    problems.push({
      path: "gateway.hardening.initialStreamWindowSize",
      value: hardening.initialStreamWindowSize,
      expected: `at most initialConnectionWindowSize (${hardening.initialConnectionWindowSize}), which all streams share`,
    });
  }
  if (hardening.headersWithUnderscoresAction !== "ALLOW") {
    problems.push(...services.flatMap(underscores), ...sharedUnderscores(rateLimitService?.shared));
  }
  return problems;
}

/** Headers that a service uses, but that the listener never lets through. */
function underscores(indexed: IndexedService): Problem[] {
  const { index, service } = indexed;
  const at = `services[${index}]`;
  const limited = givenLimits(indexed)
    .flat()
    .flatMap(({ at: key, limit }) => ("header" in limit ? [[`${key}.header`, limit.header] as const] : []));
  const wanted: readonly (readonly [path: string, name: string])[] = [
    ...service.paths.flatMap((path, number) => names(`${at}.paths[${number}].match.headers`, path.match)),
    ...names(`${at}.canary.override.headers`, service.canary?.override),
    ...limited,
  ];
  return wanted.flatMap(underscore);
}

function sharedUnderscores(shared: RateLimitServiceConfig["shared"] = {}): Problem[] {
  return Object.entries(shared).flatMap(([name, limit]) =>
    "header" in limit ? underscore([`rateLimitService.shared.${name}.header`, limit.header]) : [],
  );
}

function underscore([path, value]: readonly [path: string, name: string]): Problem[] {
  const expected =
    "a header without '_', or gateway.hardening.headersWithUnderscoresAction: ALLOW, since the gateway lets no such header through";
  return value.includes("_") ? [{ path, value, expected }] : [];
}

function names(path: string, match: Match | undefined): (readonly [path: string, name: string])[] {
  return Object.keys(match?.headers ?? {}).map((name) => [`${path}.${name}`, name]);
}
