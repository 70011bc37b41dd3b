import { z } from "zod";
import { blocks, extensionProvider } from "../fields";
import { jwtSchema } from "./jwt";

const narrowBlocks = blocks.refine(
  (list) => list.every((text) => !text.endsWith("/0")),
  "blocks smaller than all addresses of IPv4 or IPv6 (public: true lets everyone in)",
);

const externalAuthorization = z.strictObject({
  provider: extensionProvider.describe(
    "Name of an envoyExtAuthzHttp or envoyExtAuthzGrpc provider in the mesh's extensionProviders. The same for every service.",
  ),
});

/** RFC 5280, section 4.2.1.6: a DNS name or a URI, as it is in the certificate. */
const subjectAltName = z
  .string("a subject alternative name")
  .regex(/^[!-~]{1,2048}$/, "a DNS name or a URI, as it is in the certificate, without spaces");

const clientCertificate = z.strictObject({
  subjectAltNames: z
    .array(subjectAltName, "a list of subject alternative names")
    .min(1, "at least one subject alternative name")
    .max(256, "at most 256 subject alternative names")
    .describe(
      "Names of which the client's certificate has one: its URIs, such as spiffe://example.com/billing, and its DNS names. All others get 403.",
    ),
});

/** Who may enter a service: a request has to pass everything that is set. */
export const accessSchema = z
  .strictObject({
    allow: narrowBlocks
      .optional()
      .describe("IP addresses or CIDR blocks of clients that are let in; all others get 403."),
    deny: narrowBlocks
      .optional()
      .describe("IP addresses or CIDR blocks of clients that get 403, even if `allow` contains them."),
    jwt: jwtSchema.optional().describe("Requires a JSON Web Token."),
    externalAuthorization: externalAuthorization
      .optional()
      .describe("Your own service that decides on each request. If it does not answer, requests get 403."),
    clientCertificate: clientCertificate
      .optional()
      .describe("Names in the client's certificate. Needs clientCertificates, of the service or the gateway."),
    public: z
      .literal(true, "true: leave the key out otherwise")
      .optional()
      .describe("Let everyone in, whatever defaults.access says."),
  })
  .refine(
    (access) => Object.keys(access).length > 0,
    "at least one of allow, deny, jwt, externalAuthorization, clientCertificate, public",
  )
  .refine(
    (access) => access.public === undefined || Object.keys(access).length === 1,
    "either public or the other keys: public lets everyone in",
  )
  .describe("Who is let in.");

export type Access = z.output<typeof accessSchema>;
