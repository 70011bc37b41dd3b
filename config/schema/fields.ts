import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import type { Input } from "@pulumi/pulumi";
import { z } from "zod";
import { DURATION, milliseconds, withoutDays } from "../values/duration";
import { blockFlaw } from "../values/cidr";
import { SEALED } from "../values/pem";
import { bytes, CPU, QUANTITY, type Quantity } from "../values/quantity";

/**
 * Field types that several parts of the config share. Each message completes "expected …".
 */

const LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";

/** RFC 1123 label: what Kubernetes asks of namespaces and Services. 1 to 63 characters. */
export const dnsLabel = z
  .string("a DNS label")
  .regex(new RegExp(`^${LABEL}$`), "a DNS label: 1 to 63 of a-z, 0-9 and '-', not at the ends");

/** RFC 1123 subdomain: what Kubernetes asks of most other objects, Secrets and GatewayClasses among them. */
export const objectName = z
  .string("an object's name")
  .max(253, "an object's name of at most 253 characters")
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    "an object's name: a-z, 0-9, '-' and '.', with letters or digits around each '.' and at the ends",
  );

/** Name of a provider in Istio's `meshConfig.extensionProviders`, which may be any text that is not empty. */
export const extensionProvider = z
  .string("the name of an extension provider")
  .regex(/^\S(.*\S)?$/, "the name of an extension provider of Istio's meshConfig, without spaces around it");

/**
 * RFC 1123 subdomain without wildcard or trailing dot, at least two labels, at most 253 characters. The last label is no number:
 * that is an IP address. https://url.spec.whatwg.org/#ends-in-a-number-checker
 */
export const hostname = z
  .string("a host name")
  .max(253, "a host name of at most 253 characters")
  .regex(new RegExp(`^(?!.*\\.\\d+$)${LABEL}(\\.${LABEL})+$`), { error: ({ input }) => hostnameFlaw(String(input)) });

/** A name in a TLS handshake (RFC 6066, section 3): one label is enough, and an IP address is none. */
export const serverName = z
  .string("a host name")
  .max(253, "a host name of at most 253 characters")
  .regex(new RegExp(`^(?!(.*\\.)?\\d+$)${LABEL}(\\.${LABEL})*$`), {
    error: ({ input }) => hostnameFlaw(String(input)),
  });

/** A host name, `*.` and a host name for every name below it, or `*` for every name. */
export const hostPattern = z
  .string("a host name; several are a list in hosts")
  .max(253, "a host name of at most 253 characters")
  .refine((text) => text === "*" || hostname.safeParse(text.replace(/^\*\./, "")).success, {
    error: ({ input }) => hostnameFlaw(String(input)),
  });

function hostnameFlaw(text: string): string {
  if (isIP(text) !== 0 || /\.\d+$/.test(text)) {
    return "a host name, not an IP address";
  }
  const punycode = /[^ -~]/.test(text) ? domainToASCII(text) : "";
  return punycode === "" ? "a lower-case host name such as grafana.example.com" : `${punycode}, its form in DNS`;
}

/** TCP port, 1 to 65535. */
export const port = z
  .number("a port from 1 to 65535")
  .int("a port from 1 to 65535")
  .min(1, "a port from 1 to 65535")
  .max(65535, "a port from 1 to 65535");

/**
 * Port of a Service: its number, or its name, a DNS label. It has a letter here: a number in quotes is a mistake.
 * https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#serviceport-v1-core
 */
export const servicePort = portOr(new RegExp(`^(?=.*[a-z])${LABEL}$`), "1 to 63 of a-z, 0-9 and '-'");

/** Port of a Pod: its number, or its name. https://www.rfc-editor.org/rfc/rfc6335#section-5.1 */
export const podPort = portOr(
  /^(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/,
  "1 to 15 of a-z, 0-9 and single '-'",
);

function portOr(name: RegExp, form: string) {
  const message = `a port from 1 to 65535 without quotes, or its name: ${form}`;
  return z.union([port, z.string().regex(name, message)], message);
}

/** A whole number within bounds, with one message for every way to miss it. */
export function wholeNumber(min: number, max: number, unit: string) {
  const message = `a whole number of ${unit} from ${min} to ${max}`;
  return z.number(message).int(message).min(min, message).max(max, message);
}

/** A share. */
export function percentage(min: number, max: number) {
  const message = `a percentage from ${min} to ${max}, without decimals`;
  return z.number(message).int(message).min(min, message).max(max, message);
}

/** The longest that a Gateway API duration can say in hours. */
const LONGEST = "99999h";

/**
 * A duration: one to four of d, h, m, s, ms, such as `1m30s`. Its value is a Gateway API duration (GEP-2257), which has no
 * days. https://gateway-api.sigs.k8s.io/geps/gep-2257/
 */
function durationAs(message: string, fits: (milliseconds: number) => boolean, phrase = "duration") {
  return z
    .string(message)
    .regex(DURATION, message)
    .superRefine((text, context) => {
      const isTooLong = milliseconds(text) > milliseconds(LONGEST);
      if (DURATION.test(text) && (isTooLong || !fits(milliseconds(text)))) {
        const isUnbounded = fits(Infinity);
        context.addIssue({
          code: "custom",
          message: isTooLong && isUnbounded ? `a duration of at most ${LONGEST}` : message,
        });
      }
    })
    .transform(withoutDays)
    .meta({ phrase });
}

/** Any duration, `0s` among them. */
export const duration = durationAs("a duration such as 500ms, 30s or 1h30m", () => true);

/** A bound on a time, which `0s` lifts. */
export const timeLimit = durationAs("a duration such as 500ms, 30s or 1h30m; 0s for no limit", () => true);

/** A duration that is none of 0s, 0ms and the like. */
export const positiveDuration = durationAs("a duration above 0, such as 10s", (time) => time > 0);

/** A duration above 0, up to a bound. */
export function positiveDurationUpTo(max: string, example: string) {
  return durationAs(
    `a duration above 0 and of at most ${max}, such as ${example}`,
    (time) => time > 0 && time <= milliseconds(max),
    `duration of at most ${max}`,
  );
}

/** A duration within bounds, in whole seconds or hours. */
export function durationBetween(min: string, max: string, unit: "seconds" | "hours", example: string) {
  const whole = milliseconds(unit === "seconds" ? "1s" : "1h");
  return durationAs(
    `a duration from ${min} to ${max} in whole ${unit}, such as ${example}`,
    (time) => time >= milliseconds(min) && time <= milliseconds(max) && time % whole === 0,
    `duration from ${min} to ${max}`,
  );
}

/** A size within bounds: a Kubernetes quantity, as a text or as a plain number of bytes. */
export function size(min: Quantity, max: Quantity, example: string, whole: Quantity = 1) {
  const multiple = whole === 1 ? "" : ` in whole ${String(whole).replace(/^1/, "")}`;
  const message = `a size from ${min} to ${max}${multiple}, such as ${example}`;
  const fits = (given: Quantity) => {
    const count = bytes(given);
    return Number.isNaN(count) || (count >= bytes(min) && count <= bytes(max) && count % bytes(whole) === 0);
  };
  return z
    .union([z.string(message).regex(QUANTITY, message), z.number(message).int(message).min(0, message)], message)
    .refine(fits, message)
    .meta({ phrase: `size from ${min} to ${max}` });
}

/** An amount of CPU: a Kubernetes quantity, in cores or in thousandths (`m`), without the rare forms. */
export const cpuAmount = z
  .string('an amount of CPU such as 500m or "2", as a text')
  .regex(CPU, 'an amount of CPU such as 500m or "2"');

/** A feature that would be inherited, or is on by default: `false` turns it off. */
export function orOff<T extends z.ZodType>(schema: T) {
  const union = z.union([z.literal(false), schema], "a map of keys, or false to turn it off");
  return schema.description === undefined ? union : union.describe(schema.description);
}

/** An IP address, IPv4 or IPv6. */
export const ipAddress = z.string("an IP address").refine((value) => isIP(value) !== 0, "an IP address, IPv4 or IPv6");

/** IP address or host name of another server. */
export const address = z
  .string("an IP address or a host name")
  .refine((value) => isIP(value) !== 0 || hostname.safeParse(value).success, "an IP address or a host name");

/**
 * A text in PEM; its content is read by the rules between keys. Another program may give an Output, such as a key of a Secret: what it
 * holds is not known before the update, so nothing of it is checked here.
 */
export const pem = (what: string) =>
  z
    .custom<Input<string>>(
      (value) => isOutput(value) || (typeof value === "string" && (value === SEALED || PEM.test(value))),
      what,
    )
    .meta({ type: "string" });

const PEM = /-----BEGIN [A-Z0-9 ]+-----/;

/** What `pulumi.Output.isInstance` asks. The check of a stack file need not load all of Pulumi for it. */
function isOutput(value: unknown): boolean {
  return typeof value === "object" && value !== null && "__pulumiOutput" in value;
}

/** RFC 9110, section 5.6.2: what a header's name may consist of. */
export const TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}$/;

/** Name of an HTTP header. Host is no header here: it is the service's host, and HTTP/2 has none. */
export const headerName = z
  .string("a header name")
  .regex(TOKEN, "a header name: letters, digits and !#$%&'*+-.^_`|~")
  .refine((name) => name.toLowerCase() !== "host" && !name.startsWith(":"), "a header other than Host");

const MAX_BLOCKS = 256;

/** An IP address or a CIDR block, IPv4 or IPv6. */
const block = z.string("an IP address or a CIDR block").superRefine((text, context) => {
  const flaw = blockFlaw(text);
  if (flaw !== undefined) {
    context.addIssue({ code: "custom", message: flaw });
  }
});

/** A list of address blocks. An empty one is refused: it reads as everyone to one, as nobody to another. */
export const blocks = z
  .array(block, "a list of IP addresses and CIDR blocks")
  .min(1, "at least one IP address or CIDR block")
  .max(MAX_BLOCKS, `at most ${MAX_BLOCKS} blocks`);

/** Files below the project's folder. */
export const yamlFiles = z
  .array(
    z
      .string("a path below the project's folder, such as services/shop.yaml")
      .regex(
        /^(?!.*(^|\/)\.{1,2}(\/|$))[\w.@-]+(\/[\w.@-]+)*\.ya?ml$/,
        "a path of a .yaml file below the project's folder, such as services/shop.yaml",
      ),
    "a list of paths",
  )
  .min(1, "at least one path")
  .max(256, "at most 256 paths")
  .refine((paths) => new Set(paths).size === paths.length, "each path once");

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const LABEL_NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";

export const labelKey = z
  .string("a label's key")
  .regex(
    new RegExp(`^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?${LABEL_NAME}$`),
    "a label's key, such as app or example.com/app",
  );

/** A label's value. Kubernetes allows an empty one too: see `labels`. */
export const labelValue = z
  .string("a label's value")
  .regex(
    new RegExp(`^${LABEL_NAME}$`),
    "a label's value: 1 to 63 of letters, digits, '-', '_' and '.', not at the ends",
  );

/** A map of labels, whose values may be empty. */
export const labels = z.record(
  labelKey,
  z
    .string("a label's value")
    .regex(
      new RegExp(`^(${LABEL_NAME})?$`),
      "a label's value: at most 63 of letters, digits, '-', '_' and '.', not at the ends",
    ),
  "a map of labels",
);
