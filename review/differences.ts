import { isMap, shown } from "../emit/words";

/**
 * How a change is told: names of settings, values, and who may enter.
 */

/** What people call a setting; every other one is called by its key path. */
const NAMES: Readonly<Record<string, string>> = {
  "certificate.keyAlgorithm": "key of the certificate",
  "certificate.type": "source of the certificate",
  "certificate.validity": "lifetime of the certificate",
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

function isList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}
