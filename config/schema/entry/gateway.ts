import { z } from "zod";
import { allowedListenersSchema } from "./allowedListeners";
import { clientAddressSchema } from "./clientAddress";
import { dnsLabel, durationBetween, ipAddress, labels, objectName, orOff } from "../fields";
import { errorPagesSchema } from "./errorPages";
import { externalDnsSchema } from "./externalDns";
import { hardeningSchema } from "./hardening";
import { hstsSchema } from "./hsts";
import { httpsRedirectSchema } from "./httpsRedirect";
import { infrastructureSchema } from "./infrastructure";
import { tlsSchema } from "./tls";

/** Istio derives the Service `NAME-istio` and a label value of at most 63 characters from the Gateway's name. */
const MAX_GATEWAY_NAME = 57;

/** Pods and a Service that already exist, such as those of Istio's chart `gateway`. */
const existing = z.strictObject({
  service: dnsLabel.describe("Name of the Service, such as istio-ingressgateway."),
  namespace: dnsLabel.optional().describe("Namespace of the Service. It has to be the Gateway's. Default: that."),
  selector: labels
    .refine((all) => Object.keys(all).length > 0, "at least one label")
    .optional()
    .describe(
      "Labels of the Pods behind the Service, which nothing else in the namespace has. Default: those of Istio's chart, istio: SERVICE without istio- at its start.",
    ),
});

/** The one Gateway: its name, where it lives and how clients reach it. */
export const gatewaySchema = z.strictObject({
  name: dnsLabel
    .max(MAX_GATEWAY_NAME, `a DNS label of at most ${MAX_GATEWAY_NAME} characters`)
    .regex(/^[a-z]/, "a name that starts with a letter, as that of the Service NAME-istio must")
    .refine(
      (name) => !name.includes("--"),
      "a name without '--', which separates names: this one's objects could be another gateway's",
    )
    .default("unified-gateway")
    .describe("metadata.name of the Gateway. Istio names its Service NAME-istio."),
  group: dnsLabel
    .optional()
    .describe(
      "What services of a shared list call this gateway in gateways, such as internal. It serves those, and services without gateways. Default: none.",
    ),
  namespace: dnsLabel
    .default("istio-system")
    .describe("Namespace of the Gateway, its TLS Secret and the redirect from HTTP to HTTPS."),
  className: objectName.default("istio").describe("GatewayClass that implements the Gateway."),
  revision: dnsLabel
    .optional()
    .describe("Istio revision that runs the Gateway's proxies: its label istio.io/rev. Default: the default revision."),
  address: ipAddress
    .optional()
    .describe(
      "IP address to request from the cluster's load balancer. Default: what it assigns. Several: infrastructure.service.loadBalancer.",
    ),
  existing: existing
    .optional()
    .describe(
      "Use an existing ingress gateway instead of letting Istio create one. Default: Istio creates the proxies.",
    ),
  infrastructure: infrastructureSchema.prefault({}).describe("How the proxies run, and the Service in front of them."),
  allowedRoutes: z
    .enum(["Selector", "Same", "All"], "Selector, Same or All")
    .default("Selector")
    .describe(
      "Namespaces that may attach routes: Selector (those of the stack's services), Same (the Gateway's own), All (any).",
    ),
  allowedListeners: allowedListenersSchema.optional(),
  clientAddress: clientAddressSchema
    .optional()
    .describe("What is between clients and the gateway. Required if a service allows or denies client addresses."),
  httpsRedirect: httpsRedirectSchema.prefault({}).describe("The redirect from HTTP to HTTPS."),
  tls: tlsSchema.prefault({}).describe("TLS settings of the https listener."),
  hardening: orOff(hardeningSchema).prefault({}),
  hsts: hstsSchema
    .optional()
    .describe("Strict-Transport-Security on the responses of every service without hsts of its own. Default: none."),
  errorPages: errorPagesSchema
    .optional()
    .describe(
      "Pages for the gateway's own answers of 4xx and 5xx, to requests of every service without errorPages of its own and of none. Default: Envoy's short texts.",
    ),
  externalDns: externalDnsSchema.optional().describe("Annotations for external-dns. Default: none."),
  programmedTimeout: durationBetween("0s", "1h", "seconds", "2m")
    .prefault("2m")
    .describe("How long `pulumi up` waits for the Gateway's Programmed condition before it fails; 0s does not wait."),
});

export type GatewayConfig = z.output<typeof gatewaySchema>;
