import { given, type Draw, type Values } from "./draw";
import { ISSUER } from "./material";

/** What the services of a stack have in common, so that their settings fit together. */
export interface Shared {
  readonly domain: string;
  readonly namespaces: readonly string[];
  /** The only namespace of all services, if the listener accepts no other. */
  readonly namespace?: string;
  readonly telemetry: Values;
  /** Whether anything is retried. */
  readonly retries: boolean;
  /** Whether retries have budgets, which rules out maxRetries, even in the defaults. */
  readonly retryBudgets: boolean;
  /** Whether backends may be outside the cluster, where nothing has the mesh's certificates. */
  readonly outside: boolean;
  /** Whether headers with `_` are let through. */
  readonly underscores: boolean;
  /** Names of limits that services may share. */
  readonly sharedLimits: readonly string[];
  /** Whether external-dns is told anything. */
  readonly externalDns: boolean;
  /** Whether each service must say who may enter. */
  readonly everyoneSays: boolean;
  readonly provider: string;
  /** Whether ports may be names, which only a cluster can look up. */
  readonly portNames: boolean;
  /** Stream idle timeout of the listeners; `0s` is none. */
  readonly streamIdleTimeout: string;
}

/** Who may enter. Allowed and denied blocks do not overlap. */
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

/** Port of a Service, by number or name. */
export function drawPort(draw: Draw, { portNames }: Pick<Shared, "portNames">): number | string {
  return portNames && draw.chance(25) ? draw.pick(["http", "web-1", "9p", "a--b", "p".repeat(63)]) : draw.port();
}

/** Every service checks the tokens of an issuer with the same keys. */
const ISSUERS = [
  { issuer: "https://issuer.test/realm", jwks: ISSUER.jwks },
  { issuer: "me@issuer.test", jwksUri: "https://issuer.test/keys?x=1" },
  { issuer: "x", jwksUri: "http://keys.auth.svc/jwks" },
];

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
    ...draw.pick(ISSUERS),
    audiences: hasAudiences ? draw.several(1, 2, () => draw.pick(["web", "https://api.test"])) : undefined,
    requiredClaims: hasAudiences ? draw.maybe(40, claims) : claims(),
    forwardOriginalToken: draw.maybe(30, () => true),
  });
}
