import { isIP } from "node:net";
import { z } from "zod";
import { SEALED } from "../values/pem";

/**
 * Field types that several parts of the config share. Each message completes "expected …".
 */

const LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";

/** RFC 1123 label: what Kubernetes asks of namespaces and Services. 1 to 63 characters. */
export const dnsLabel = z
  .string("a DNS label")
  .regex(new RegExp(`^${LABEL}$`), "a DNS label: 1 to 63 of a-z, 0-9 and '-', not at the ends");

/** RFC 1123 subdomain without wildcard or trailing dot, at least two labels, at most 253 characters. */
export const hostname = z
  .string("a host name")
  .max(253, "a host name of at most 253 characters")
  .regex(new RegExp(`^${LABEL}(\\.${LABEL})+$`), "a lower-case host name such as grafana.example.com");

/** TCP port, 1 to 65535. */
export const port = z
  .number("a port from 1 to 65535")
  .int("a port from 1 to 65535")
  .min(1, "a port from 1 to 65535")
  .max(65535, "a port from 1 to 65535");

/** A whole number within bounds, with one message for every way to miss it. */
export function wholeNumber(min: number, max: number, unit: string) {
  const message = `a whole number of ${unit} from ${min} to ${max}`;
  return z.number(message).int(message).min(min, message).max(max, message);
}

/**
 * Gateway API duration (GEP-2257): one to four of h, m, s, ms, largest unit first, e.g. `1m30s`. `0s` turns a limit off.
 * https://gateway-api.sigs.k8s.io/geps/gep-2257/
 */
export const duration = z
  .string("a duration such as 30s")
  .regex(/^([0-9]{1,5}(h|m|s|ms)){1,4}$/, "a duration such as 500ms, 30s or 1m30s (0s turns it off)");

/** A duration that is none of 0s, 0ms and the like. */
export const positiveDuration = duration.refine(
  (value) => !/^(0+(h|m|s|ms))+$/.test(value),
  "a duration above 0, such as 10s",
);

/** IP address or host name under which clients reach the gateway. */
export const address = z
  .string("an IP address or a host name")
  .refine(
    (value) => isIP(value) !== 0 || (hostname.safeParse(value).success && !/^[0-9.]+$/.test(value)),
    "an IP address or a host name",
  );

/** A text in PEM. What is in it is read by the rules between keys. */
export const pem = (what: string) =>
  z.string(what).refine((text) => text === SEALED || /-----BEGIN [A-Z ]+-----/.test(text), what);
