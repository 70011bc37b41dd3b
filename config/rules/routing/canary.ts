import { forwardedPaths } from "../../resolve/answers";
import { mergeMatches, ruleName } from "../../resolve/paths";
import { stableBackends } from "../../resolve/service";
import { MAX_BACKENDS, type ParsedBackend } from "../../schema/routing/backend";
import { MAX_CONDITIONS } from "../../schema/routing/match";
import { versionService } from "../../schema/routing/versions";
import type { IndexedService, ParsedService } from "../../schema/service";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";
import { type Claim, claimsOfRules, matchKey, shadowOf, tieOf } from "./precedence";

/** Gateway API: most rules in an HTTPRoute. */
const MAX_RULES = 16;

/** A canary is a different workload from the stable version, and its overrides leave room for every path. */
export function canaryProblems({ services }: CheckedStack): Problem[] {
  return services.flatMap(ofService);
}

function ofService({ index, service }: IndexedService): Problem[] {
  const at = `services[${index}]`;
  const { canary } = service;
  if (canary === undefined) {
    return [];
  }
  const problems: Problem[] = [];
  const next = { ...canary, service: canary.service ?? versionService(service.name, "canary") };
  const key = (backend: Omit<ParsedBackend, "weight">) =>
    `${backend.namespace ?? service.namespace}/${backend.service}`;
  if (stableBackends(service).some((backend) => key(backend) === key(next))) {
    const expected = "a Service other than the stable one: one Service is one set of pods, whatever its weights";
    problems.push({ path: `${at}.canary.service`, value: next.service, expected });
  }
  const paths = forwardedPaths(service).filter(({ path }) => path.backends === undefined).length;
  if (paths === 0) {
    const expected = "a path without its own backends: otherwise the canary gets no requests";
    problems.push({ path: `${at}.canary`, expected, value: next.service });
  }
  if (canary.override !== undefined && service.paths.length + paths > MAX_RULES) {
    const expected = `at most ${MAX_RULES - service.paths.length} paths with the override, which adds a rule for each: an HTTPRoute holds ${MAX_RULES} rules`;
    problems.push({ path: `${at}.canary.override`, value: canary.override, expected });
  }
  return [...problems, ...backendCountProblems(at, service), ...mergedProblems(at, service)];
}

/** The canary is one of a rule's backends. */
function backendCountProblems(at: string, { backends = [] }: ParsedService): Problem[] {
  const expected = `at most ${MAX_BACKENDS - 1} backends besides the canary`;
  return backends.length < MAX_BACKENDS ? [] : [{ path: `${at}.backends`, value: backends.length, expected }];
}

/** Each path's override rule: its name must be unique, and its conditions must fit together with the path's. */
function mergedProblems(at: string, service: ParsedService): Problem[] {
  const { paths, canary } = service;
  const override = canary?.override;
  if (override === undefined) {
    return [];
  }
  return forwardedPaths(service).flatMap(({ path, pathIndex: index }) => {
    if (path.backends !== undefined) {
      return [];
    }
    const here = `${at}.paths[${index}]`;
    const problems: Problem[] = [];
    const merged = mergeMatches(path.match, override);
    const sameName = paths.findIndex((other) => ruleName(other) === `${ruleName(path)}-canary`);
    if (sameName >= 0) {
      const expected = `a name other than ${ruleName(path)}-canary, which the canary's override on ${here} uses`;
      problems.push({ path: `${at}.paths[${sameName}].name`, value: `${ruleName(path)}-canary`, expected });
    }
    for (const key of ["headers", "query"] as const) {
      if (Object.keys(merged[key] ?? {}).length > MAX_CONDITIONS) {
        const expected = `at most ${MAX_CONDITIONS} together with those of canary.override`;
        problems.push({ path: `${here}.match.${key}`, value: path.match?.[key], expected });
      }
    }
    return problems;
  });
}

/** Overrides that get no requests, or take all of another path of their host. */
export function overrideProblems(stack: CheckedStack): Problem[] {
  return claimsOfRules(stack)
    .filter((claims) => claims.some(({ isOverride }) => isOverride))
    .flatMap((claims) => claims.flatMap((claim, place) => overrideProblem(claim, place, claims)));
}

function overrideProblem(claim: Claim, place: number, claims: readonly Claim[]): Problem[] {
  const { isOverride, index, at, match } = claim;
  const concerns = (other: Claim) => other !== claim && (isOverride || other.isOverride);
  const path = isOverride ? `services[${index}].canary.override` : `${at}.match`;
  const same = claims.findIndex((other) => concerns(other) && matchKey(other) === matchKey(claim));
  const other = claims[same];
  if (other !== undefined) {
    const expected = `a match other than that of ${other.at}: one of the two would get no requests`;
    // Reported once: at the path, or at the later of two overrides.
    const isReported = isOverride && (!other.isOverride || same > place);
    return isReported ? [] : [{ path, value: match, expected }];
  }
  const expected =
    tieOf(claim, claims.slice(0, place).filter(concerns)) ?? (isOverride ? shadowOf(claim, claims) : undefined);
  return expected === undefined ? [] : [{ path, value: match, expected }];
}
