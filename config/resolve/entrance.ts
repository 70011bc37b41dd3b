import type { Answers } from "./answers";
import type { Access } from "../schema/access/access";
import type { Jwt } from "../schema/access/jwt";
import { allRateLimitsOf, type RateLimits } from "../schema/limits/rateLimit";
import type { DefaultsConfig, IndexedService } from "../schema/service";
import { covers } from "../values/cidr";

/**
 * Who may enter a service. The gateway's policies, the review, `verify` and the lab all read it here, so that they cannot
 * disagree.
 */

/** A condition that a request must meet. */
export type Condition =
  | { readonly type: "from"; readonly blocks: readonly string[] }
  | { readonly type: "not-from"; readonly blocks: readonly string[] }
  | { readonly type: "token"; readonly jwt: Jwt }
  | { readonly type: "external-authorization"; readonly provider: string }
  | { readonly type: "certificate"; readonly names: readonly string[] };

/** All conditions of a service; a request must meet every one. Empty if everyone may enter. */
export function conditionsOf(access: Access | undefined): Condition[] {
  const { allow, deny, jwt, externalAuthorization, clientCertificate } = access ?? {};
  return [
    ...(allow === undefined ? [] : [{ type: "from" as const, blocks: allow }]),
    ...(deny === undefined ? [] : [{ type: "not-from" as const, blocks: deny }]),
    ...(jwt === undefined ? [] : [{ type: "token" as const, jwt }]),
    ...(externalAuthorization === undefined
      ? []
      : [{ type: "external-authorization" as const, provider: externalAuthorization.provider }]),
    ...(clientCertificate === undefined
      ? []
      : [{ type: "certificate" as const, names: clientCertificate.subjectAltNames }]),
  ];
}

/** Whether everyone may enter, except perhaps from denied addresses. */
export function isOpenToAll(access: Access | undefined): boolean {
  return conditionsOf(access).every(({ type }) => type === "not-from");
}

/** Whether it depends on a client's address who may enter, how often, or during maintenance. */
export function dependsOnAddress(service: {
  readonly access?: Access;
  readonly rules?: readonly (Pick<Answers, "maintenance"> & { readonly rateLimit?: RateLimits })[];
}): boolean {
  const { access, rules = [] } = service;
  const isListed =
    access?.allow !== undefined ||
    access?.deny !== undefined ||
    rules.some(({ maintenance }) => maintenance?.allow !== undefined);
  return isListed || allRateLimitsOf({ rules }).some(({ type }) => type.endsWith("-by-address"));
}

/** Whether backends do not see the token that clients have to bear. */
export function hidesToken(access: Access | undefined): boolean {
  return access?.jwt?.forwardOriginalToken === false;
}

/** An access, and the key path that sets it. */
export interface GivenAccess {
  readonly at: string;
  /** Undefined for everyone. */
  readonly access: Access | undefined;
}

/** Who may enter a service, and each of its paths that says so itself. */
export function givenAccesses(
  { index, service }: IndexedService,
  defaults: Pick<DefaultsConfig, "access">,
): [GivenAccess, ...GivenAccess[]] {
  const at = `services[${index}]`;
  return [
    service.access === undefined && defaults.access !== undefined
      ? { at: "defaults.access", access: defaults.access }
      : { at: `${at}.access`, access: service.access },
    ...service.paths.flatMap(({ access }, place) =>
      access === undefined ? [] : [{ at: `${at}.paths[${place}].access`, access }],
    ),
  ];
}

export type Verdict = "admitted" | "refused" | "unknown";

/** Whether the address lists let an address in. Unknown if they need an address and it is not given. */
export function admitsAddress(access: Access | undefined, address: string | undefined): Verdict {
  const verdicts = conditionsOf(access).map((condition): Verdict => {
    if (condition.type !== "from" && condition.type !== "not-from") {
      return "admitted";
    }
    if (address === undefined) {
      return "unknown";
    }
    const isListed = condition.blocks.some((block) => covers(block, address));
    return isListed === (condition.type === "from") ? "admitted" : "refused";
  });
  return strictest(verdicts);
}

/**
 * Whether a client without credentials may enter. Unknown if another service decides, or if it depends on its certificate or on an
 * address that is not given.
 */
export function admits(access: Access | undefined, address: string | undefined): Verdict {
  const others = conditionsOf(access).map(({ type }): Verdict => {
    if (type === "token") {
      return "refused";
    }
    return type === "external-authorization" || type === "certificate" ? "unknown" : "admitted";
  });
  return strictest([admitsAddress(access, address), ...others]);
}

function strictest(verdicts: readonly Verdict[]): Verdict {
  return (["refused", "unknown"] as const).find((verdict) => verdicts.includes(verdict)) ?? "admitted";
}
