import { POLICIES, type AnyPolicy } from "./policies";
import type { Resource, Violation } from "./policy";

export interface Finding extends Violation {
  readonly policy: string;
  readonly level: AnyPolicy["level"];
}

/** Settings by policy name, in the form of `pulumi preview --policy-pack-config`. */
export type PackConfig = Readonly<Record<string, unknown>>;

/** Evaluates the policies without Pulumi. */
export function evaluate(resources: readonly Resource[], config: PackConfig = {}): Finding[] {
  return POLICIES.flatMap((policy) => {
    const given = config[policy.name] ?? config.all;
    const level = levelOf(given) ?? policy.level;
    return level === "disabled"
      ? []
      : found(policy, resources, given).map((violation) => ({ ...violation, policy: policy.name, level }));
  });
}

function found(policy: AnyPolicy, resources: readonly Resource[], given: unknown): readonly Violation[] {
  const defaults = Object.entries(policy.settings ?? {}).map(([key, setting]) => [key, setting.default]);
  const own = typeof given === "object" ? given : {};
  // Each policy gets the settings that it declares.
  const settings = { ...Object.fromEntries(defaults), ...own } as never;
  return "check" in policy
    ? resources.flatMap((resource) =>
        policy.check(resource, settings).map((message) => ({ message, urn: resource.urn })),
      )
    : policy.checkStack(resources, settings);
}

/** A level is given on its own, or as `enforcementLevel` next to the settings. */
function levelOf(given: unknown): AnyPolicy["level"] | "disabled" | undefined {
  const level =
    typeof given === "object" && given !== null && "enforcementLevel" in given ? given.enforcementLevel : given;
  return level === "mandatory" || level === "advisory" || level === "disabled" ? level : undefined;
}
