import type { Service } from "../config";

/**
 * How a change is told: names of settings, values, and who may enter.
 */

/** What people call a setting; every other one is called by its key path. */
const NAMES: Readonly<Record<string, string>> = {
  "certificate.keyAlgorithm": "key of the certificate",
  "certificate.mode": "source of the certificate",
  "certificate.validityDays": "lifetime of the certificate in days",
  denyByDefault: "denial by default",
  "gateway.address": "address",
  "gateway.allowedRoutes": "namespaces whose routes may attach",
  "gateway.tls.cipherSuites": "cipher list",
  "gateway.tls.minVersion": "minimum TLS version",
  mtls: "mutual TLS",
  protect: "protection from deletion",
  "rateLimit.requests": "requests of the rate limit",
  rateLimit: "rate limit",
  "retry.attempts": "retries",
  "timeouts.backendRequest": "timeout of a try",
  "timeouts.request": "timeout",
};

/** `timeout 30s → 15s` for each setting that differs; what is new or gone is named as such. */
export function differences(before: unknown, after: unknown, path = ""): string[] {
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => differences(before[key], after[key], path === "" ? key : `${path}.${key}`));
  }
  if (JSON.stringify(before) === JSON.stringify(after)) {
    return [];
  }
  const name = NAMES[path] ?? path;
  if (before === undefined) {
    return [`${name} added: ${shown(after)}`];
  }
  if (after === undefined) {
    return [`${name} removed: ${shown(before)}`];
  }
  return [
    isList(before) && isList(after)
      ? listDifference(name, before, after)
      : `${name} ${shown(before)} → ${shown(after)}`,
  ];
}

/** What came and what went, where that says it all. */
function listDifference(name: string, before: readonly string[], after: readonly string[]): string {
  const gained = after.filter((entry) => !before.includes(entry));
  const lost = before.filter((entry) => !after.includes(entry));
  const parts = [
    ...(gained.length === 0 ? [] : [`gains ${shown(gained)}`]),
    ...(lost.length === 0 ? [] : [`loses ${shown(lost)}`]),
  ];
  return parts.length === 0 ? `${name} in another order: ${shown(after)}` : `${name} ${parts.join(", ")}`;
}

/** Whether everyone may enter: nothing, or only single addresses, are kept out. */
export function isOpenToAll({ access }: Pick<Service, "access">): boolean {
  return access?.allow === undefined && access?.jwt === undefined && access?.externalAuthorization === undefined;
}

/** `open to all`, or who may enter. */
export function entrance(service: Pick<Service, "access">): string {
  const { allow, deny, jwt, externalAuthorization } = service.access ?? {};
  const except = deny === undefined ? "" : ` but ${shown(deny)}`;
  if (isOpenToAll(service)) {
    return `open to all${except}`;
  }
  const conditions = [
    ...(allow === undefined ? [] : [`from ${shown(allow)}${except}`]),
    ...(jwt === undefined ? [] : [`with a token of ${jwt.issuer}`]),
    ...(externalAuthorization === undefined ? [] : [`as ${externalAuthorization.provider} decides`]),
  ];
  return `open to clients ${conditions.join(", ")}${allow === undefined ? except : ""}`;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

/** Longest value that is shown. Unit: characters. */
const MAX_VALUE = 80;

/** A value in one short line. No key and no certificate is shown. */
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
