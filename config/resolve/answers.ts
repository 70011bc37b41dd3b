import type { Deny, Maintenance, Redirect, Respond } from "../schema/routing/answers";
import type { ParsedPath } from "../schema/path";
import type { ParsedService } from "../schema/service";
import { nearest } from "./nearest";

/** What the gateway answers itself, in place of backends: at most one of them is set. */
export interface Answers {
  readonly redirect: Redirect | undefined;
  readonly respond: Respond | undefined;
  readonly deny: Exclude<Deny, true> | undefined;
  readonly maintenance: Maintenance | undefined;
}

/** The keys of the config that say so. */
export const ANSWER_KEYS = ["redirect", "respond", "deny", "maintenance"] as const satisfies (keyof Answers)[];

/** What is in force for a path: its own, or its service's unless it has backends of its own. Reads as few keys as possible. */
export function answersOf(service: ParsedService, path: ParsedPath): Answers {
  const hasOwn =
    ANSWER_KEYS.some((key) => path[key] !== undefined && path[key] !== false) || path.backends !== undefined;
  const inherited: Pick<ParsedService, keyof Answers> = hasOwn ? {} : service;
  const deny = nearest(path.deny, inherited.deny);
  return {
    redirect: nearest(path.redirect, inherited.redirect),
    respond: nearest(path.respond, inherited.respond),
    deny: deny === true ? { status: 403 } : deny,
    maintenance: nearest(path.maintenance, inherited.maintenance),
  };
}

/** Whether backends get requests of a rule. During maintenance they do, from clients that are let through. */
export function hasBackends({ redirect, respond, deny }: Answers): boolean {
  return redirect === undefined && respond === undefined && deny === undefined;
}

/** The paths of a service whose requests go to backends, with their places in the list. */
export function forwardedPaths(service: ParsedService): { path: ParsedPath; pathIndex: number }[] {
  return service.paths
    .map((path, pathIndex) => ({ path, pathIndex }))
    .filter(({ path }) => hasBackends(answersOf(service, path)));
}

/** `redirects to www.example.com with 301`, or what else the gateway does in place of backends; undefined if they get the requests. */
export function answerInWords({ redirect, respond, deny }: Answers): string | undefined {
  if (redirect !== undefined) {
    const { scheme, host = "", port, path, prefix, status } = redirect;
    const origin = `${scheme === undefined ? "" : `${scheme}://`}${host}${port === undefined ? "" : `:${port}`}`;
    return `redirects to ${origin}${path ?? (prefix === undefined ? "" : `${prefix}…`)} with ${status}`;
  }
  return respond === undefined ? deny && `refuses with ${deny.status}` : `answers ${respond.status} itself`;
}
