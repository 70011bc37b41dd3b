import { createPublicKey, type JsonWebKey } from "node:crypto";
import { z } from "zod";

/** RFC 7517, section 4, and RFC 7518, section 6: members that hold a private or a shared key. */
const SECRET_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

const jwk = z.looseObject({ kty: z.string("a key type") }, "a JSON Web Key").superRefine((key, context) => {
  const complain = (message: string) => context.addIssue({ code: "custom", message });
  if (SECRET_MEMBERS.some((member) => member in key)) {
    complain("a public key: only the issuer needs the private one");
  } else if (!isReadable(key)) {
    complain("a readable public key of kty RSA, EC or OKP");
  }
});

function isReadable(key: JsonWebKey): boolean {
  try {
    createPublicKey({ key, format: "jwk" });
    return true;
  } catch {
    return false;
  }
}

/** Where tokens are, as `Bearer TOKEN`. */
export const TOKEN_HEADER = "Authorization";

/** Text that Istio compares as it is: a leading or trailing `*` would be a wildcard. */
const exact = (what: string) => z.string(what).regex(/^[^*\s](.*[^*\s])?$/, `${what} without '*' at its ends`);

/** Inside the cluster, where istiod reads keys without a proxy of its own, plain HTTP is accepted. */
function isJwksUri(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== "" || url.password !== "") {
    return false;
  }
  return url.protocol === "https:" || (url.protocol === "http:" && /\.svc(\.cluster\.local)?$/.test(url.hostname));
}

/** A token that requests must bear in `Authorization: Bearer`. https://istio.io/latest/docs/reference/config/security/jwt/ */
export const jwtSchema = z
  .strictObject({
    issuer: exact("an issuer").describe("Issuer of the token: the exact value of its claim iss."),
    jwks: z
      .strictObject(
        { keys: z.array(jwk, "a list of JSON Web Keys").min(1, "at least one key").max(32, "at most 32 keys") },
        "a JSON Web Key Set: { keys: [ … ] }",
      )
      .optional()
      .describe("The issuer's public keys as a JSON Web Key Set (RFC 7517)."),
    jwksUri: z
      .string("a URL")
      .refine(isJwksUri, "an https URL without user and password, or http to a .svc name of the cluster")
      .optional()
      .describe("URL of the issuer's key set. istiod fetches it every 20 minutes."),
    audiences: z
      .array(exact("an audience"), "a list of audiences")
      .min(1, "at least one audience")
      .max(32, "at most 32 audiences")
      .optional()
      .describe("The token's aud must contain one of these, so that a token for another service is refused."),
    requiredClaims: z
      .record(
        z.string().regex(/^[^[\]\s]{1,128}$/, "the name of a claim, without brackets and spaces"),
        z.array(exact("a claim's value"), "a list of values").min(1, "at least one value").max(32, "at most 32 values"),
        "a map of claims to lists of values",
      )
      .refine((claims) => Object.keys(claims).length > 0, "at least one claim")
      .refine((claims) => Object.keys(claims).length <= 16, "at most 16 claims")
      .optional()
      .describe(
        "Each of these claims must be, or contain, one of the listed values. Claims are texts or lists of texts.",
      ),
    forwardOriginalToken: z.boolean("true or false").default(false).describe("Pass the token on to the backend."),
  })
  .refine(({ jwks, jwksUri }) => (jwks === undefined) !== (jwksUri === undefined), "either jwks or jwksUri")
  .superRefine(({ requiredClaims = {} }, context) => {
    if (Object.hasOwn(requiredClaims, "iss")) {
      const message = "a claim other than iss, which must be the value of issuer";
      context.addIssue({ code: "custom", path: ["requiredClaims", "iss"], message });
    }
  })
  .refine(
    ({ audiences, requiredClaims }) => audiences !== undefined || requiredClaims !== undefined,
    "audiences or requiredClaims: without either, every token of the issuer is accepted",
  );

export type Jwt = z.output<typeof jwtSchema>;
