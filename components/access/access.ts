import * as pulumi from "@pulumi/pulumi";
import type { Service } from "../../config";
import type { ClientAddress } from "../../config/schema/entry/clientAddress";
import { AuthorizationPolicy, type AuthorizationPolicySpec } from "../../kinds/authorizationPolicy";
import { RequestAuthentication } from "../../kinds/requestAuthentication";
import { type GatewayRef, ownMetadata } from "../shared/naming";
import {
  authenticationSpec,
  detourSpec,
  externalAuthorizationSpec,
  otherHostsSpec,
  refusalSpec,
} from "./authorization";

export interface AccessArgs {
  /** Services with their `access`: `services` of `gatewayConfig()`. Those without it are open to everyone. */
  services: readonly Service[];
  /** The Gateway that the policies select. They live in its namespace. */
  gateway: GatewayRef;
  /** What stands between clients and the gateway. Needed if a service allows or denies addresses. Default: nothing is known. */
  clientAddress?: ClientAddress;
  /** True answers 403 to hosts that no service names. */
  denyByDefault: boolean;
}

/** Who may enter: the policies of each service and of the whole gateway. They exist before any route. */
export class Access extends pulumi.ComponentResource {
  private readonly policies = new Map<string, AuthorizationPolicy>();

  constructor(name: string, args: AccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:Access", name, {}, opts);
    const { services, gateway } = args;
    const child = { parent: this };
    for (const [key, spec] of Object.entries(authorizationPolicies(args))) {
      this.policies.set(
        key,
        new AuthorizationPolicy(`${name}-${key}`, { metadata: ownMetadata(gateway, key), spec }, child),
      );
    }
    const authentication = authenticationSpec(services, gateway);
    if (authentication !== undefined) {
      const metadata = ownMetadata(gateway, "jwt");
      new RequestAuthentication(`${name}-jwt`, { metadata, spec: authentication }, child);
    }
    this.registerOutputs();
  }

  /**
   * The policies of one service. Its route has to depend on them, or Pulumi deletes them at the same time: a dependency of the
   * component that holds the route orders only their creation.
   */
  policiesOf(service: Pick<Service, "name">): pulumi.Resource[] {
    return policyKeys(service).flatMap((key) => this.policies.get(key) ?? []);
  }
}

function policyKeys({ name }: Pick<Service, "name">) {
  return [`${name}--access`, `${name}--external-authorization`] as const;
}

/** By the last part of their names. Services' names contain no `--`, so the gateway's own policies clash with none. */
export function authorizationPolicies(args: AccessArgs): Record<string, AuthorizationPolicySpec> {
  const { services, gateway, clientAddress, denyByDefault } = args;
  const policies: Record<string, AuthorizationPolicySpec | undefined> = {
    "other-hosts": denyByDefault ? otherHostsSpec(services, gateway) : undefined,
    detours: detourSpec(clientAddress, gateway),
  };
  for (const service of services) {
    const [access, externalAuthorization] = policyKeys(service);
    policies[access] = refusalSpec(service, gateway, clientAddress);
    policies[externalAuthorization] = externalAuthorizationSpec(service, gateway);
  }
  return Object.fromEntries(
    Object.entries(policies).flatMap(([key, spec]) => (spec === undefined ? [] : [[key, spec] as const])),
  );
}

/** Whether access is restricted anywhere on the gateway. */
export function hasPolicies(args: AccessArgs): boolean {
  return Object.keys(authorizationPolicies(args)).length > 0;
}
