import { ANSWER_KEYS, type Answers, answersOf, forwardedPaths, hasBackends } from "../../resolve/answers";
import { byHost } from "../../resolve/byHost";
import { ANY_HOST, covers } from "../../resolve/domains";
import { hostsOf } from "../../resolve/hosts";
import { byPrecedence } from "../../resolve/paths";
import { HTTP_PORT, HTTPS_PORT, listenPortOf } from "../../resolve/protocols";
import type { Redirect } from "../../schema/routing/answers";
import type { ParsedPath } from "../../schema/path";
import type { IndexedService, ParsedService } from "../../schema/service";
import { bare } from "../../values/path";
import { matchesAllBelow } from "../../values/regularExpression";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";
import { noPrefix } from "./paths";

/** What only a backend, or a request to one, gives a meaning to. */
const FOR_BACKENDS = [
  "backends",
  "timeouts",
  "retry",
  "requestHeaders",
  "rewrite",
  "mirror",
  "compression",
  "sessionPersistence",
] as const;
const OF_PATH = [...FOR_BACKENDS, "port"] as const satisfies (keyof ParsedPath)[];
const OF_SERVICE = [...FOR_BACKENDS, "canary", "trafficPolicy"] as const satisfies (keyof ParsedService)[];

/** One answer in place of backends, and nothing beside it that then has no effect. */
export function answerProblems({ services }: CheckedStack): Problem[] {
  return services.flatMap(({ index, service }) => {
    const at = `services[${index}]`;
    const [first] = service.paths.map((path) => answersOf(service, path));
    const all =
      forwardedPaths(service).length === 0 && first !== undefined ? unused(at, service, first, OF_SERVICE) : [];
    return [
      ...several(at, service),
      ...all,
      ...service.paths.flatMap((path, pathIndex) => {
        const here = `${at}.paths[${pathIndex}]`;
        const answers = answersOf(service, path);
        return [...several(here, path), ...(hasBackends(answers) ? [] : unused(here, path, answers, OF_PATH))];
      }),
    ];
  });
}

type Given = { readonly [K in keyof Answers]?: unknown };

function several(at: string, given: Given): Problem[] {
  const [first, ...others] = ANSWER_KEYS.filter((key) => given[key] !== undefined && given[key] !== false);
  return others.map((key) => ({
    path: `${at}.${key}`,
    value: given[key],
    expected: `either ${String(first)} or ${key}`,
  }));
}

function unused<K extends string>(
  at: string,
  given: { readonly [P in K]?: unknown },
  answers: Answers,
  keys: readonly K[],
): Problem[] {
  const answer = ANSWER_KEYS.find((key) => answers[key] !== undefined) ?? "";
  const expected = `not allowed with ${answer}: no backend gets a request`;
  const found = keys.filter((key) => given[key] !== undefined && given[key] !== false);
  const cors = corsOf(given);
  return [
    ...found.map((key) => ({ path: `${at}.${key}`, value: given[key], expected })),
    ...cors.map((value) => ({
      path: `${at}.cors`,
      value,
      expected: `not allowed with ${answer}: responseHeaders can set Access-Control-Allow-Origin`,
    })),
  ];
}

function corsOf(given: object): unknown[] {
  const { cors = false } = given as { cors?: unknown };
  return cors === false ? [] : [cors];
}

/** Redirects that need a prefix, and those that lead to themselves. */
export function redirectProblems(stack: CheckedStack): Problem[] {
  const { services, domainList } = stack;
  return services.flatMap((indexed) =>
    indexed.service.paths.flatMap((path, pathIndex) => {
      const { redirect } = answersOf(indexed.service, path);
      const at = `services[${indexed.index}]${path.redirect === undefined ? "" : `.paths[${pathIndex}]`}.redirect`;
      return redirect === undefined
        ? []
        : [
            ...prefixProblems(`services[${indexed.index}].paths[${pathIndex}]`, at, path, redirect),
            ...(domainList !== undefined && leadsToItself(indexed, path, redirect, stack)
              ? [
                  {
                    path: at,
                    value: redirect,
                    expected: `another host, scheme, port or path: ${path.path} leads to itself`,
                  },
                ]
              : []),
          ];
    }),
  );
}

function prefixProblems(here: string, at: string, path: ParsedPath, { prefix }: Redirect): Problem[] {
  if (prefix === undefined) {
    return [];
  }
  if (path.type !== "PathPrefix") {
    return [noPrefix("redirect", here, path)];
  }
  const expected = "a prefix other than /: Envoy would make //x of a path such as /prefix/x";
  return bare(prefix) === "" && bare(path.path) !== "" ? [{ path: `${at}.prefix`, value: prefix, expected }] : [];
}

/** Whether a client that follows it comes back to the same path, which has to be the one that takes requests for it. */
function leadsToItself(
  { service }: IndexedService,
  path: ParsedPath,
  redirect: Redirect,
  stack: CheckedStack,
): boolean {
  const { scheme, host } = redirect;
  const domains = stack.domainList ?? [];
  const namesOf = (one: ParsedService) => hostsOf(one, domains).map((name) => name.host);
  const own = namesOf(service);
  const isOthers = stack.services.some((other) => namesOf(other.service).some((name) => name === host));
  const isOwn = (name: string) => name === host || (!isOthers && (name === ANY_HOST || covers(name, host ?? "")));
  if (host !== undefined && !own.some(isOwn)) {
    return false;
  }
  const isPlain = service.plainHttp === true;
  const schemes = isPlain ? (["https", "http"] as const) : (["https"] as const);
  const staysAt = schemes.some((from) => {
    const to = scheme ?? from;
    const portOf = (one: string) => (one === "https" ? listenPortOf(service) : HTTP_PORT);
    const isSamePort = scheme === undefined && host === undefined;
    const port = redirect.port ?? (isSamePort ? portOf(from) : to === "https" ? HTTPS_PORT : HTTP_PORT);
    // Plain HTTP is redirected to https, to the same path.
    const isBack = to === "http" && port === HTTP_PORT && !isPlain;
    return isBack || (to === from && port === portOf(from));
  });
  const target = redirect.path ?? redirect.prefix ?? path.path;
  if (!staysAt || (target === path.path && path.type !== "RegularExpression")) {
    return staysAt;
  }
  const hosts = byHost(stack).filter(({ services }) => services.some((other) => other.service === service));
  const rivals = hosts.flatMap(({ services }) => services.flatMap((other) => other.service.paths));
  const [taking] = rivals.filter((other) => takes(other, target)).sort(byPrecedence);
  return takes(path, target) && (taking === path || taking === undefined || byPrecedence(taking, path) === 0);
}

/** Whether a path takes requests for another, if nothing more specific does; conditions may ask for more. */
function takes({ type, path, match }: ParsedPath, target: string): boolean {
  switch (type) {
    case "Exact":
      return path === target;
    case "PathPrefix":
      return match === undefined ? `${bare(target)}/`.startsWith(`${bare(path)}/`) : path === target;
    case "RegularExpression":
      return matchesAllBelow(path, target);
  }
}
