import { z } from "zod";
import { blockFlaw } from "../../values/cidr";
import { dnsLabel } from "../fields";
import { jwtSchema } from "./jwt";

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
  .min(1, "at least one IP address or CIDR block; leave the key out for no list")
  .max(MAX_BLOCKS, `at most ${MAX_BLOCKS} blocks`);

const narrowBlocks = blocks.refine(
  (list) => list.every((text) => !text.endsWith("/0")),
  "blocks smaller than a whole family of addresses (public: true admits everyone)",
);

const externalAuthorization = z.strictObject({
  provider: dnsLabel.describe(
    "Name of an envoyExtAuthzHttp or envoyExtAuthzGrpc provider in the mesh's extensionProviders. The same for every service.",
  ),
});

/** Who may enter a service. Everything that is set must admit a request. */
export const accessSchema = z
  .strictObject({
    allow: narrowBlocks
      .optional()
      .describe("Client addresses that may enter, as IP addresses or CIDR blocks; all others get 403."),
    deny: narrowBlocks.optional().describe("Client addresses that get 403, though `allow` may hold them."),
    jwt: jwtSchema.optional().describe("A JSON Web Token that requests must bear."),
    externalAuthorization: externalAuthorization
      .optional()
      .describe("A service of yours that decides on each request; where it does not answer, requests get 403."),
    public: z
      .literal(true, "true, or nothing here")
      .optional()
      .describe("Everyone may enter, whatever defaults.access says."),
  })
  .refine((access) => Object.keys(access).length > 0, "at least one of allow, deny, jwt, externalAuthorization, public")
  .refine(
    (access) => access.public === undefined || Object.keys(access).length === 1,
    "either public or rules: everyone may enter, or not",
  )
  .describe("Who may enter.");

export type Access = z.output<typeof accessSchema>;
