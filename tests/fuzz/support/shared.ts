import { given, type Draw, type Values } from "./draw";
import { ISSUER } from "./material";

/** What the services of a stack have in common, so that what they say goes together. */
export interface Shared {
  readonly domain: string;
  readonly namespaces: readonly string[];
  /** The one namespace of all services, where the listener takes no other. */
  readonly namespace?: string;
  readonly telemetry: Values;
  /** Whether anything is retried. */
  readonly retries: boolean;
  /** Whether headers with `_` get in. */
  readonly underscores: boolean;
  /** Whether each service has to say who may enter. */
  readonly everyoneSays: boolean;
  readonly provider: string;
}

/** Who may enter. What is allowed and what is denied have nothing in common. */
export function drawAccess(draw: Draw, { provider }: Pick<Shared, "provider">): Values {
  if (draw.chance(25)) {
    return { public: true };
  }
  return draw.atLeastOne(40, {
    allow: () => draw.several(1, 4, () => draw.pick(ALLOWED)),
    deny: () => draw.several(1, 4, () => draw.pick(DENIED)),
    jwt: () => drawJwt(draw),
    externalAuthorization: () => ({ provider }),
  });
}

const ALLOWED = ["192.168.0.0/16", "10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "2001:db8::1", "192.168.1.10/32", "::/1"];
const DENIED = ["203.0.113.0/24", "203.0.113.9", "198.51.100.0/25", "fe80::/10", "ff00::/8"];

function drawJwt(draw: Draw): Values {
  const hasAudiences = draw.chance(60);
  const claims = () =>
    draw.map(
      1,
      2,
      () => draw.pick(["group", "constructor", "https://x/roles", "a.b"]),
      () => draw.several(1, 2, () => draw.pick(["admin", "a b", "d*v", "ü"])),
    );
  return given({
    issuer: draw.pick(["https://issuer.test/realm", "me@issuer.test", "x"]),
    ...(draw.chance(70)
      ? { jwks: ISSUER.jwks }
      : { jwksUri: draw.pick(["https://issuer.test/keys?x=1", "http://keys.auth.svc/jwks"]) }),
    audiences: hasAudiences ? draw.several(1, 2, () => draw.pick(["web", "https://api.test"])) : undefined,
    requiredClaims: hasAudiences ? draw.maybe(40, claims) : claims(),
    forwardOriginalToken: draw.maybe(30, () => true),
  });
}
