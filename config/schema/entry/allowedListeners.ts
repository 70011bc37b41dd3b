import { z } from "zod";
import { dnsLabel, hostPattern } from "../fields";

const host = hostPattern.refine((text) => text !== "*", "host names, or wildcards such as *.team.example.com");

/** Namespaces that may bring listeners of their own, as ListenerSets. https://gateway-api.sigs.k8s.io/geps/gep-1713/ */
export const allowedListenersSchema = z
  .array(
    z.strictObject({
      namespace: dnsLabel.describe("The namespace."),
      hosts: z
        .array(host, "a list of host names")
        .min(1, "at least one host")
        .describe("Hosts that its listeners may have; *.DOMAIN for all names below one."),
    }),
    "a list of namespaces",
  )
  .min(1, "at least one namespace")
  .describe(
    "Namespaces that may bring https listeners, with hosts and certificates of their own, as ListenerSets; an admission policy holds them to their hosts. Needs Istio 1.30 and Kubernetes 1.30. Default: none.",
  );

export type AllowedListeners = z.output<typeof allowedListenersSchema>;
