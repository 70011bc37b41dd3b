import { generateKeyPairSync } from "node:crypto";
import { ACCESS, POLICIES_OF_A_SERVICE } from "../dataPlane/policies";
import { servicesWith } from "../stacks";

/** Name of the Gateway, and prefix of the namespaces. */
export const GATEWAY = "scale";
/** Namespace of the services, and of all contenders' routes to them. */
export const APPS = `${GATEWAY}-apps`;
/** Value of the response header `x-bench` before any change. */
export const FIRST_VALUE = "v0";

/** Only listed addresses may enter every second service; the others are open. */
export const isGuarded = (index: number): boolean => index % 2 === 0;

/** Needs a token as well. */
const needsToken = (index: number): boolean => index % 10 === 4;

const ISSUER = "https://issuer.scale.test";

/** Of a key that signs nothing: requests are only measured where none needs a token. The same in every part of a stack. */
const PUBLIC_KEY = {
  ...generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" }),
  kid: "one",
  alg: "RS256",
  use: "sig",
};

export interface ScaleArgs {
  /** Name of the Gateway, and prefix of the namespaces. */
  readonly name: string;
  readonly services: number;
  readonly address: string;
  /** An idle timeout for every service, which needs a patch for each of its rules. */
  readonly hasIdleTimeouts: boolean;
}

/** Config keys of a stack whose services each have every policy that is an entry of a map. */
export function scaleValues({ name, services, address, hasIdleTimeouts }: ScaleArgs): Record<string, unknown> {
  const jwks = { keys: [PUBLIC_KEY] };
  const token = (index: number) => ({ issuer: ISSUER, audiences: [`service-${index}`], jwks });
  const { limits, responseHeaders } = POLICIES_OF_A_SERVICE;
  return {
    domain: `${name}.test`,
    gateway: {
      name,
      namespace: `${name}-system`,
      address,
      programmedTimeout: "0s",
      clientAddress: { trustedProxies: 0 },
      // One proxy, as the others have.
      infrastructure: { preset: "small" },
      hsts: { maxAge: "365d" },
    },
    telemetry: { metrics: { scrape: "config-map" } },
    services: servicesWith({ name, services }, (index) => ({
      ...POLICIES_OF_A_SERVICE,
      limits: { ...limits, ...(hasIdleTimeouts ? { streamIdleTimeout: "1h" } : {}) },
      responseHeaders: { ...responseHeaders, set: { ...responseHeaders.set, "x-bench": FIRST_VALUE } },
      ...(isGuarded(index) ? { access: { ...ACCESS, ...(needsToken(index) ? { jwt: token(index) } : {}) } } : {}),
    })),
  };
}

/** Services whose requests are measured, by what they are to the access rules. */
export const PROBES = ["first guarded", "last guarded", "first open", "last open"] as const;
export type Probe = (typeof PROBES)[number];

/** Their numbers. @param services How many there are, at least 2. */
export function probes(services: number): Record<Probe, number> {
  const indices = Array.from({ length: services }, (_, index) => index).filter((index) => !needsToken(index));
  const [guarded, open] = [indices.filter(isGuarded), indices.filter((index) => !isGuarded(index))];
  const [first = NaN, firstOpen = NaN] = [guarded[0], open[0]];
  return {
    "first guarded": first,
    "last guarded": guarded.at(-1) ?? NaN,
    "first open": firstOpen,
    "last open": open.at(-1) ?? NaN,
  };
}
