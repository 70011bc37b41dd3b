import { type Rule, type Service, targetName } from "../../config";
import type { SessionPersistence } from "../../config/schema/routing/sessionPersistence";
import { protoDuration } from "../../config/values/duration";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { contentHash } from "../shared/contentHash";
import type { FilterConfig } from "../shared/envoyTypes";
import { byRule, filterByRoute, NO_ACTION } from "../shared/filterByRoute";

/** Cookies that keep each client at the endpoint that it got first. Empty if no service has any. */
export function sessionPersistencePatches(services: readonly Service[]): ConfigPatch[] {
  const filters = byRule(services, ({ sessionPersistence, backends }) =>
    sessionPersistence === undefined ? NO_ACTION : statefulSession(sessionPersistence, backends),
  );
  return filterByRoute({ feature: "session-persistence", place: "last", by: "rule", filters });
}

/**
 * The cookie holds the endpoint's address. Where that has no endpoint that Envoy takes for healthy, the client gets another, and its
 * cookie. https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/stateful_session_filter
 */
function statefulSession({ absoluteTimeout }: SessionPersistence, backends: Rule["backends"]): FilterConfig {
  const cookie = {
    name: sessionCookie(backends),
    path: "/",
    ttl: absoluteTimeout && protoDuration(absoluteTimeout),
    // Envoy adds HttpOnly itself.
    attributes: [{ name: "Secure" }],
  };
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.stateful_session.v3.StatefulSession",
    session_state: {
      name: "envoy.http.stateful_session.cookie",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState",
        cookie,
      },
    },
  };
}

/** Paths of one backend share a cookie, and those of another have their own: its endpoints are others. */
function sessionCookie(backends: Rule["backends"]): string {
  return `session-${contentHash(backends.map(targetName).join())}`;
}
