import { isIP } from "node:net";
import { z } from "zod";
import { covers } from "../../values/cidr";
import { hostname, ipAddress } from "../fields";

/** Names of the cluster, of the proxy's own machine, and of the metadata services of clouds. */
const INSIDE: readonly (readonly [name: RegExp, expected: (name: string) => string])[] = [
  [
    /^([^.]+)\.([^.]+)\.svc(\.cluster\.local)?\.?$/,
    (name) => {
      const [service = "", namespace = ""] = name.split(".");
      return `service: ${service} and namespace: ${namespace} in place of host: it is a Service of the cluster`;
    },
  ],
  [/(^|\.)cluster\.local\.?$/, () => "the key service: names of the cluster are Services"],
  [
    /^localhost\.?$|\.(localhost|localdomain)\.?$|^metadata\.google\.internal\.?$/,
    () => "a host on the network: this one would lead to the proxy itself, or to its cloud's credentials",
  ],
];

/** A host outside the cluster. */
export const externalHost = z.string("a host name").superRefine((text, context) => {
  const inside = INSIDE.find(([name]) => name.test(text));
  const result = hostname.safeParse(text);
  const expected =
    inside?.[1](text) ??
    (isIP(text) !== 0
      ? `the key address: ${text} is an IP address`
      : text.endsWith(".")
        ? "the same name without the dot at the end"
        : result.error?.issues[0]?.message);
  if (expected !== undefined) {
    context.addIssue({ code: "custom", message: expected });
  }
});

/** Of the proxy itself, of its own link (clouds answer there with credentials), of many, or of nobody. */
const NOT_OUTSIDE = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/3",
  "::/127",
  "::ffff:0:0/96",
  "fe80::/10",
  "fd00:ec2::/32",
  "ff00::/8",
];

/** An address outside the cluster. */
export const externalAddress = ipAddress.refine(
  (address) => isIP(address) === 0 || !NOT_OUTSIDE.some((block) => covers(block, address)),
  "an address of another machine: not loopback, link-local (clouds give out credentials there), multicast or IPv4 written as IPv6",
);
