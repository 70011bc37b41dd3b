import type { Rule, Service } from "../config";
import { conditionsOf } from "../config/resolve/entrance";
import type { Stream } from "../config/resolve/model";
import { HTTPS_PORT } from "../config/resolve/protocols";
import { isMap } from "../config/values/isMap";

/** Values and rules in words, for the review and the route map. */

/** `open to all`, or who may enter. */
export function entrance({ access }: Pick<Service, "access">): string {
  const conditions = conditionsOf(access);
  const words = conditions.flatMap((condition) => {
    switch (condition.type) {
      case "from":
        return [`from ${shown(condition.blocks)}`];
      case "token":
        return [`with a token from ${condition.jwt.issuer}`];
      case "external-authorization":
        return [`authorized by ${condition.provider}`];
      case "certificate":
        return [`with a certificate for ${shown(condition.names)}`];
      case "not-from":
        return [];
    }
  });
  const except = conditions.flatMap((condition) =>
    condition.type === "not-from" ? [` except ${shown(condition.blocks)}`] : [],
  );
  return [words.length === 0 ? "open to all" : `open to clients ${words.join(", ")}`, ...except].join("");
}

/** Which requests a rule matches. */
export function requestOf({ path, type, match }: Rule): string {
  const shown = { Exact: `= ${path}`, PathPrefix: path, RegularExpression: `~ ${path}` }[type];
  const values = (what: string, map: NonNullable<Rule["match"]>["headers"] = {}) =>
    Object.entries(map).map(([name, value]) =>
      typeof value === "string" ? `${what} ${name}=${value}` : `${what} ${name}~${value.regex}`,
    );
  return [match?.method, shown, ...values("header", match?.headers), ...values("query", match?.query)]
    .filter(Boolean)
    .join(" ");
}

/** Longest value that is shown, in characters. */
const MAX_VALUE = 80;

/** A value in one short line. Keys and certificates are not shown. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? "nothing" : brief(value.map(shown).join(", "));
  }
  if (isMap(value)) {
    return brief(
      Object.entries(value)
        .filter(([, entry]) => entry !== undefined)
        .map(([key, entry]) => `${key} ${shown(entry)}`)
        .join(", "),
    );
  }
  const text = String(value);
  return text.includes("-----BEGIN ") ? "(PEM)" : brief(text);
}

function brief(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > MAX_VALUE ? `${line.slice(0, MAX_VALUE - 1)}…` : line;
}

/** `TCP on port 5432`, or `TLS for vault.example.com, passed on`. */
export function streamTitle({ protocol, listenPort, listeners }: Stream): string {
  if (protocol === "tcp") {
    return `TCP on port ${listenPort}`;
  }
  const names = listeners.flatMap(({ hostname }) => hostname ?? []).join(", ");
  const port = listenPort === HTTPS_PORT ? "" : ` on port ${listenPort}`;
  return `TLS for ${names}${port}, ${protocol === "tls-terminate" ? "ended here" : "passed on"}`;
}
