import { maySeal } from "../config/load/secrets";
import { isMap } from "../config/values/isMap";
import { shown } from "../emit/words";

/** How a change is worded: names of settings, and values. */

/** Readable names of settings; all others go by their key path. */
const NAMES: Readonly<Record<string, string>> = {
  "certificate.keyAlgorithm": "certificate key",
  "certificate.type": "certificate source",
  "certificate.validity": "certificate lifetime",
  denyByDefault: "deny by default",
  fault: "fault injection",
  "gateway.address": "address",
  "gateway.allowedRoutes": "namespaces whose routes may attach",
  "gateway.tls.cipherSuites": "cipher list",
  "gateway.tls.groups": "key-exchange groups",
  "gateway.tls.minVersion": "minimum TLS version",
  mtls: "mutual TLS",
  protect: "deletion protection",
  "rateLimit.rule": "rate limit of its own, counted as",
  "rateLimit.requests": "rate limit requests",
  rateLimit: "rate limit",
  "retry.attempts": "retries",
  "timeouts.backendRequest": "time for an answer to begin",
  "timeouts.request": "timeout",
  "trafficPolicy.tls": "TLS to the backend",
};

/** Nothing checks what these say, so reviewers see all of it. */
const IN_FULL = /^gateway\.infrastructure\.(patches|autoscaling)(\.|$)/;

/** `timeout 30s → 15s` for each setting that differs; settings that are new or gone are reported as added or removed. */
export function differences(before: unknown, after: unknown, path = ""): string[] {
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => differences(before[key], after[key], path === "" ? key : `${path}.${key}`));
  }
  if (JSON.stringify(before) === JSON.stringify(after)) {
    return [];
  }
  const name = NAMES[path] ?? path;
  const told = IN_FULL.test(path) ? (value: unknown) => JSON.stringify(value) : shown;
  if (maySeal(path)) {
    return [`${name} ${before === undefined ? "added" : after === undefined ? "removed" : "changed"}`];
  }
  if (before === undefined) {
    return [`${name} added: ${told(after)}`];
  }
  if (after === undefined) {
    return [`${name} removed: ${told(before)}`];
  }
  return [
    told === shown && isList(before) && isList(after)
      ? listDifference(name, before, after)
      : `${name} ${told(before)} → ${told(after)}`,
  ];
}

/** Entries gained and lost, or the new order. */
function listDifference(name: string, before: readonly string[], after: readonly string[]): string {
  const gained = after.filter((entry) => !before.includes(entry));
  const lost = before.filter((entry) => !after.includes(entry));
  const parts = [
    ...(gained.length === 0 ? [] : [`gains ${shown(gained)}`]),
    ...(lost.length === 0 ? [] : [`loses ${shown(lost)}`]),
  ];
  return parts.length === 0 ? `${name} reordered: ${shown(after)}` : `${name} ${parts.join(", ")}`;
}

function isList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}
