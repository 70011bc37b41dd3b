import { answersOf, hasBackends } from "../../resolve/answers";
import { byHost } from "../../resolve/byHost";
import { byPrecedence, mergeMatches } from "../../resolve/paths";
import type { Match } from "../../schema/routing/match";
import type { ParsedPath } from "../../schema/path";
import type { IndexedService } from "../../schema/service";
import { bare } from "../../values/path";
import { literalHead, matchesAllBelow } from "../../values/regularExpression";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/**
 * Istio merges all routes of a host and sorts them: exact paths, then prefixes, then regular expressions, each from the longest to
 * the shortest, then those with a method, then with more headers, then with more query parameters. What is still equal stays in the
 * order of its route, and of the routes' age: the order of two services of one host is no one's choice.
 */

/** What a rule of a host matches, and where it is configured. */
export interface Claim {
  /** Place of its service in the list. */
  readonly index: number;
  /** `services[0].paths[1]`, or `the canary's override on services[0].paths[1]`. */
  readonly at: string;
  readonly isOverride: boolean;
  readonly path: string;
  readonly type: ParsedPath["type"];
  readonly match: Match | undefined;
}

type Listed = Pick<CheckedStack, "services" | "domainList">;

/** What the paths of each host claim, in the order of the lists. Reads as few keys as possible. */
export function claimsOfPaths(stack: Listed): Claim[][] {
  return byHost(stack).map(({ services }) => services.flatMap(pathClaims));
}

/** The same, and in front of each path that has a canary what the canary's override claims. */
export function claimsOfRules(stack: Listed): Claim[][] {
  return byHost(stack).map(({ services }) => services.flatMap(ruleClaims));
}

function ruleClaims(indexed: IndexedService): Claim[] {
  const { canary } = indexed.service;
  return pathClaims(indexed).flatMap((claim, pathIndex) => {
    // A path with its own backends has no canary, and neither has one without any.
    const path = indexed.service.paths[pathIndex];
    const isForwarded = path !== undefined && hasBackends(answersOf(indexed.service, path));
    if (canary?.override === undefined || !isForwarded || path.backends !== undefined) {
      return [claim];
    }
    const match = mergeMatches(claim.match, canary.override);
    return [{ ...claim, at: `the canary's override on ${claim.at}`, isOverride: true, match }, claim];
  });
}

function pathClaims({ index, service }: IndexedService): Claim[] {
  return service.paths.map(({ path, type, match }, pathIndex) => {
    return { index, at: `services[${index}].paths[${pathIndex}]`, isOverride: false, path, type, match };
  });
}

/** Paths that never get a request. */
export function shadowProblems(stack: CheckedStack): Problem[] {
  return claimsOfPaths(stack).flatMap((claims) =>
    claims.flatMap((claim) => {
      const expected = shadowOf(claim, claims);
      return expected === undefined ? [] : [{ path: `${claim.at}.path`, value: claim.path, expected }];
    }),
  );
}

/** Paths of two services of one host that may match the same request, and of which neither comes first. */
export function tieProblems(stack: CheckedStack): Problem[] {
  return claimsOfPaths(stack).flatMap((claims) =>
    claims.flatMap((claim, place) => {
      const expected = tieOf(claim, claims.slice(0, place));
      return expected === undefined ? [] : [{ path: `${claim.at}.match`, value: claim.match, expected }];
    }),
  );
}

/** What to write instead of a path that another of its host takes every request from; undefined if none does. */
export function shadowOf(claim: Claim, claims: readonly Claim[]): string | undefined {
  const shadow = claims.find(
    (other, place) => covers(other, claim) && comesFirst(other, claim, place < claims.indexOf(claim)),
  );
  if (shadow === undefined) {
    return undefined;
  }
  const { at, path, type } = shadow;
  return type === "PathPrefix"
    ? `no prefix that covers it: Istio tries prefixes first, so ${at} (${path}) gets every request; make that one a RegularExpression, such as ${bare(path)}/.*`
    : `a longer expression than ${at} (${path}): Istio tries the longer one first, so that one gets every request`;
}

/** What to write instead of a match that is as specific as that of another service of its host, and shares requests with it. */
export function tieOf(claim: Claim, claims: readonly Claim[]): string | undefined {
  const rival = claims.find(
    (other) =>
      other.index !== claim.index &&
      byPrecedence(other, claim) === 0 &&
      matchKey(other) !== matchKey(claim) &&
      shareRequests(other, claim),
  );
  return (
    rival &&
    `a match that excludes that of ${rival.at}, one more condition, or both paths in one service: whichever of the two services is older would get the requests that match both`
  );
}

/** Whether a claim is tried before another. Equal ones of one service are tried in the order of its list. */
function comesFirst(first: Claim, second: Claim, isListedFirst: boolean): boolean {
  const order = byPrecedence(first, second);
  return order < 0 || (order === 0 && first.index === second.index && isListedFirst);
}

/** Whether a claim matches whatever another, a regular expression, can match. */
function covers(outer: Claim, inner: Claim): boolean {
  if (inner.type !== "RegularExpression" || !isPart(outer.match, inner.match)) {
    return false;
  }
  if (outer.type === "PathPrefix") {
    return bare(outer.path) === "" || literalHead(inner.path).startsWith(`${bare(outer.path)}/`);
  }
  return outer.type === "RegularExpression" && outer.path !== inner.path && matchesAllBelow(outer.path, inner.path);
}

/** Whether every condition of one match is one of the other. */
function isPart(some: Match | undefined, all: Match | undefined): boolean {
  const conditions = new Set(conditionsOf(all));
  return conditionsOf(some).every((condition) => conditions.has(condition));
}

/** Whether a request may match both. Undecided expressions count as sharing. */
function shareRequests(a: Claim, b: Claim): boolean {
  const [left, right] = [literalHead(a.path), literalHead(b.path)];
  const samePath =
    a.type === "RegularExpression" ? left.startsWith(right) || right.startsWith(left) : bare(a.path) === bare(b.path);
  const [first, second] = [exactValues(a.match), exactValues(b.match)];
  return samePath && [...first].every(([key, value]) => (second.get(key) ?? value) === value);
}

/** The values that a match asks for, apart from expressions. */
function exactValues(match: Match | undefined): Map<string, string> {
  const { method, headers = {}, query = {} } = match ?? {};
  const named = [
    ...Object.entries(headers).map(([name, value]) => [`header ${name.toLowerCase()}`, value] as const),
    ...Object.entries(query).map(([name, value]) => [`query ${name}`, value] as const),
    ...(method === undefined ? [] : [["method", method] as const]),
  ];
  return new Map(named.flatMap(([key, value]) => (typeof value === "string" ? [[key, value] as const] : [])));
}

/** A match's conditions as texts, independent of their order and of the case of headers. */
function conditionsOf(match: Match | undefined): string[] {
  const { method, headers = {}, query = {} } = match ?? {};
  return [
    ...(method === undefined ? [] : [JSON.stringify(["method", method])]),
    ...Object.entries(headers).map(([name, value]) => JSON.stringify(["header", name.toLowerCase(), value])),
    ...Object.entries(query).map(([name, value]) => JSON.stringify(["query", name, value])),
  ].sort();
}

/** A match in canonical form: /a and /a/ are the same prefix. */
export function matchKey({ type, path, match }: Pick<ParsedPath, "type" | "path" | "match">): string {
  return [type, type === "PathPrefix" ? bare(path) : path, ...conditionsOf(match)].join(" ");
}
