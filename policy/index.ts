import { PolicyPack, type Policies, type PolicyConfigSchema } from "@pulumi/policy";
import { POLICIES, type AnyPolicy } from "./policies";
import type { Resource } from "./policy";

/** The pack as Pulumi runs it: `pulumi preview --policy-pack policy`. */
new PolicyPack("istio-gateway", { policies: POLICIES.map(pulumiPolicy) });

function pulumiPolicy(policy: AnyPolicy): Policies[number] {
  const { name, description, level, settings = {} } = policy;
  const common = {
    name,
    description,
    enforcementLevel: level,
    configSchema: { properties: settings as PolicyConfigSchema["properties"] },
  };
  return "check" in policy
    ? {
        ...common,
        validateResource: (args, report) =>
          policy.check(seen(args), args.getConfig<never>()).forEach((message) => report(message)),
      }
    : {
        ...common,
        validateStack: (args, report) =>
          policy
            .checkStack(args.resources.map(seen), args.getConfig<never>())
            .forEach(({ message, urn }) => report(message, urn)),
      };
}

type Seen = Pick<Resource, "type" | "name" | "urn" | "props"> & { readonly opts: { readonly protect: boolean } };

function seen({ type, name, urn, props, opts }: Seen): Resource {
  return { type, name, urn, props, protect: opts.protect };
}
