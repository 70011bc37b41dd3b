import { z } from "zod";
import { clientAddressSchema } from "./clientAddress";
import { address, dnsLabel, wholeNumber } from "../fields";
import { hardeningSchema } from "./hardening";
import { hstsSchema } from "./hsts";
import { tlsSchema } from "./tls";

/** Istio derives the Service `NAME-istio` and a label value of at most 63 characters from the Gateway's name. */
const MAX_GATEWAY_NAME = 57;

const externalDns = z
  .strictObject({
    ttlSeconds: wholeNumber(1, 604_800, "seconds")
      .default(300)
      .describe("Time to live of the records. Unit: seconds; 1 to 604800; default 300."),
  })
  .describe("Annotate the Gateway and its routes for external-dns.");

/** The one Gateway: its name, where it lives and how clients reach it. */
export const gatewaySchema = z.strictObject({
  name: dnsLabel
    .max(MAX_GATEWAY_NAME, `a DNS label of at most ${MAX_GATEWAY_NAME} characters`)
    .regex(/^[a-z]/, "a name that starts with a letter, as that of the Service NAME-istio must")
    .default("unified-gateway")
    .describe("metadata.name of the Gateway. Istio names its Service NAME-istio."),
  namespace: dnsLabel
    .default("istio-system")
    .describe("Namespace of the Gateway, its TLS Secret and the HTTP to HTTPS redirect."),
  className: dnsLabel.default("istio").describe("GatewayClass that implements the Gateway."),
  address: address
    .optional()
    .describe("IP address or host name to ask for. Default: what the cluster's load balancer assigns."),
  allowedRoutes: z
    .enum(["Selector", "Same", "All"], "Selector, Same or All")
    .default("Selector")
    .describe(
      "Which namespaces may attach routes: Selector (those that this stack labels), Same (the Gateway's own), All (any).",
    ),
  clientAddress: clientAddressSchema
    .optional()
    .describe("What stands between clients and the gateway. To be said as soon as a service admits by address."),
  tls: tlsSchema.prefault({}).describe("TLS settings of the https listener."),
  hardening: hardeningSchema.prefault({}),
  hsts: hstsSchema
    .optional()
    .describe("Strict-Transport-Security on every service's responses, save where it sets its own. Default: none."),
  externalDns: externalDns.optional().describe("Annotations for external-dns. Default: none."),
  programmedTimeoutSeconds: wholeNumber(0, 3600, "seconds")
    .default(120)
    .describe(
      "How long `pulumi up` waits for the Gateway's Programmed condition before it fails. Unit: seconds; 0 does not wait.",
    ),
});

export type GatewayConfig = z.output<typeof gatewaySchema>;
