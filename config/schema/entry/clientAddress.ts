import { z } from "zod";
import { blocks, wholeNumber } from "../fields";

/** Envoy reads as many entries of X-Forwarded-For from its right end. */
const MAX_PROXIES = 16;

/** What stands between clients and the gateway: from it follows which address is the client's. */
export const clientAddressSchema = z.strictObject({
  trustedProxies: wholeNumber(0, MAX_PROXIES, "proxies").describe(
    "Number of proxies in front of the gateway that append to X-Forwarded-For, not counting load balancers that pass on connections. 0 trusts no header.",
  ),
  proxyProtocol: z
    .boolean("true or false")
    .default(false)
    .describe("The load balancer starts each connection with a PROXY protocol header; connections without one fail."),
  proxyAddresses: blocks
    .optional()
    .describe(
      "Addresses from which those proxies connect; all others get 403. 0.0.0.0/0 and ::/0 leave it to the network.",
    ),
});

export type ClientAddress = z.output<typeof clientAddressSchema>;

/** Whether proxies tell the address of the client, in a header or by the PROXY protocol. */
export function tellsClients(clientAddress: ClientAddress | undefined): boolean {
  return clientAddress !== undefined && (clientAddress.trustedProxies > 0 || clientAddress.proxyProtocol);
}
