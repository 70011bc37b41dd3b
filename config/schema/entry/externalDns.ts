import { z } from "zod";
import { address, durationBetween } from "../fields";

/** Time to live of DNS records, unless the stack sets another. */
export const DEFAULT_DNS_TTL = "5m";

/** Most targets of a record. */
const MAX_TARGETS = 16;

export const externalDnsSchema = z
  .strictObject({
    ttl: durationBetween("1s", "7d", "seconds", DEFAULT_DNS_TTL)
      .prefault(DEFAULT_DNS_TTL)
      .describe("Time to live of the records."),
    target: z
      .union(
        [address, z.array(address).min(1, "at least one target").max(MAX_TARGETS, `at most ${MAX_TARGETS} targets`)],
        "an IP address, a host name, or a list of them",
      )
      .optional()
      .describe(
        "Where records point: IP addresses, or one name, such as that of a CDN in front of the gateway. Default: the gateway's addresses.",
      ),
  })
  .describe("Annotate the Gateway and its routes for external-dns.");

/** A name without external-dns's prefix, such as cloudflare-proxied. */
const annotationName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "a name without external-dns's prefix, such as cloudflare-proxied")
  .refine(
    (name) => !["controller", "target", "ttl", "hostname"].includes(name),
    "an annotation for a DNS provider: the program sets the others, and external-dns reads target from the Gateway",
  );

/** What differs for the hosts of one service. */
export const serviceExternalDnsSchema = z.strictObject({
  ttl: durationBetween("1s", "7d", "seconds", DEFAULT_DNS_TTL)
    .optional()
    .describe("Time to live of its records. Default: gateway.externalDns.ttl."),
  annotations: z
    .record(annotationName, z.string("a text").max(1024, "at most 1024 characters"))
    .optional()
    .describe('Annotations for the DNS provider, without external-dns\'s prefix: { cloudflare-proxied: "true" }.'),
});

export type ExternalDns = z.output<typeof externalDnsSchema>;
export type ServiceExternalDns = z.output<typeof serviceExternalDnsSchema>;
