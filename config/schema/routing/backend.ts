import { z } from "zod";
import { externalAddress, externalHost } from "./externalHost";
import { dnsLabel, servicePort } from "../fields";

/** Gateway API v1: backends of a rule of an HTTPRoute. */
export const MAX_BACKENDS = 16;

const MAX_WEIGHT = 1_000_000;
const WEIGHT = `a weight from 0 to ${MAX_WEIGHT}, without decimals`;

const backendSchema = z
  .strictObject({
    service: dnsLabel.optional().describe("Name of the Kubernetes Service."),
    host: externalHost
      .optional()
      .describe(
        "In place of service: a host outside the cluster, which DNS knows. It sees its own name as Host, unless rewrite.hostname says another.",
      ),
    address: externalAddress
      .optional()
      .describe("In place of service: an IP address outside the cluster. It sees the client's Host."),
    namespace: dnsLabel.optional().describe("Namespace of the Service. Default: the service's namespace."),
    port: servicePort
      .optional()
      .describe(
        "Port of the Service, by number or name, or of the host or address, by number. Default for a Service: the service's port.",
      ),
    weight: z
      .number(WEIGHT)
      .int(WEIGHT)
      .min(0, WEIGHT)
      .max(MAX_WEIGHT, WEIGHT)
      .default(1)
      .describe("Share of requests, in proportion to the sum of all weights. 0 sends none."),
  })
  .superRefine(({ service, host, address, namespace, port }, context) => {
    const complain = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
    const given = Object.entries({ service, host, address }).filter(([, value]) => value !== undefined);
    const [outside] = given.filter(([key]) => key !== "service");
    if (given.length !== 1) {
      complain(given[1]?.[0] ?? "service", "one of service, host, address: where the requests go");
    } else if (outside !== undefined && namespace !== undefined) {
      complain("namespace", `no namespace with ${outside[0]}, which is outside the cluster`);
    } else if (outside !== undefined && typeof port !== "number") {
      complain("port", `the number of a port with ${outside[0]}, such as 443: there is no Service to look it up in`);
    }
  });

/** The backends that share the requests of a path. */
export const backendsSchema = z
  .array(backendSchema, "a list of backends")
  .min(1, "at least one backend")
  .max(MAX_BACKENDS, `at most ${MAX_BACKENDS} backends`);

export type ParsedBackend = z.output<typeof backendSchema>;
