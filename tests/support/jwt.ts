import { createSign, generateKeyPairSync, type JsonWebKey, type KeyObject } from "node:crypto";

/** A token issuer for tests. */
export interface Issuer {
  readonly issuer: string;
  readonly jwks: { keys: (JsonWebKey & { kty: string })[] };
  /** A token with these claims; iss and a lifetime of one hour are defaults. */
  token(claims: Record<string, unknown>): string;
}

export function testIssuer(issuer: string, keyId = "one"): Issuer {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: "jwk" }), kty: "RSA", kid: keyId, alg: "RS256", use: "sig" };
  return {
    issuer,
    jwks: { keys: [jwk] },
    token: (claims) =>
      sign({ alg: "RS256", kid: keyId, typ: "JWT" }, { iss: issuer, ...lifetime(), ...claims }, privateKey),
  };
}

/** A token that claims to need no signature. */
export function unsignedToken(issuer: string, claims: Record<string, unknown>): string {
  return sign({ alg: "none", typ: "JWT" }, { iss: issuer, ...lifetime(), ...claims });
}

function lifetime(): { iat: number; exp: number } {
  const now = Math.floor(Date.now() / 1000);
  return { iat: now, exp: now + 3600 };
}

function sign(header: object, payload: object, key?: KeyObject): string {
  const text = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${key === undefined ? "" : createSign("RSA-SHA256").update(text).sign(key, "base64url")}`;
}
