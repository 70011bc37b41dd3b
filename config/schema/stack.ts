import { z } from "zod";
import { certificateSchema } from "./certificate/certificate";
import { domainName, domainsSchema } from "./certificate/domains";
import { gatewaySchema } from "./entry/gateway";
import { kubernetesSchema } from "./cluster/kubernetes";
import { mtlsSchema } from "./backends/mtls";
import { rateLimitServiceSchema } from "./limits/rateLimitService";
import { defaultsSchema, serviceSchema } from "./service";
import { serviceFilesSchema } from "./serviceFiles";
import { telemetrySchema } from "./telemetry/telemetry";

/** Everything that a stack may set: one key of the stack config each, one schema per concern. */
export const stackShape = {
  domain: domainName
    .optional()
    .describe("Domain of the gateway: services are one label below it, or its apex. Several: domains."),
  domains: domainsSchema.optional(),
  gateway: gatewaySchema.prefault({}).describe("The Gateway: its name, its place, how clients reach it."),
  certificate: certificateSchema.prefault({ type: "self-signed" }),
  services: z
    .array(serviceSchema, "a list of services")
    .min(1, "at least one service, here or in one of serviceFiles")
    .describe("What the gateway serves: for each entry a host name and the Kubernetes Services behind it."),
  serviceFiles: serviceFilesSchema.optional(),
  defaults: defaultsSchema.prefault({}).describe("Values for services that set none of their own."),
  mtls: mtlsSchema.optional().describe("Mutual TLS: the sidecars that refuse plain text. Default: all accept both."),
  rateLimitService: rateLimitServiceSchema.optional(),
  telemetry: telemetrySchema.prefault({}).describe("Access logs, traces, metrics and alerts of the gateway."),
  kubernetes: kubernetesSchema
    .prefault({})
    .describe("The cluster to deploy to. Default: that of the current kubeconfig."),
  protect: z
    .boolean("true or false")
    .default(false)
    .describe("Refuse to delete the Gateway, the private key and the TLS Secret."),
  adopt: z
    .boolean("true or false")
    .default(false)
    .describe(
      "For one update: take over existing objects of the same names, and fields that others wrote. Otherwise previews list both and fail.",
    ),
} as const;

export type StackKey = keyof typeof stackShape;

export const STACK_KEYS = Object.keys(stackShape) as StackKey[];

/** A stack's config as one object. */
export const stackSchema = z.strictObject(stackShape);

/** The parts of a stack's config after each has passed its schema. */
export type ParsedStack = { readonly [K in StackKey]: z.output<(typeof stackShape)[K]> };
