import * as pulumi from "@pulumi/pulumi";
import type { Service } from "../../config";
import type { ClientAddress } from "../../config/schema/entry/clientAddress";
import { AuthorizationPolicy, type AuthorizationPolicySpec } from "../../kinds/authorizationPolicy";
import { RequestAuthentication } from "../../kinds/requestAuthentication";
import { accessScopeSpec } from "./accessScope";
import {
  answersPreflights,
  authenticationSpec,
  detourSpec,
  externalAuthorizationSpec,
  otherHostsSpec,
  refusalSpec,
} from "./authorization";
import { GatewayEnvoyFilter } from "../shared/gatewayEnvoyFilter";
import { partOf } from "../shared/naming";

export interface AccessArgs {
  services: readonly Service[];
  gatewayName: string;
  gatewayNamespace: string;
  domain: string;
  /** What stands between clients and the gateway. Default: not said. */
  clientAddress?: ClientAddress;
  /** Refuse hosts that no service names. */
  denyByDefault: boolean;
}

/** Who may enter: the policies of each service, and those of the whole gateway. They stand before a route does. */
export class Access extends pulumi.ComponentResource {
  constructor(name: string, args: AccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:Access", name, {}, opts);
    const { services, gatewayName, gatewayNamespace } = args;
    const metadata = (suffix: string) => ({
      name: `${gatewayName}--${suffix}`,
      namespace: gatewayNamespace,
      labels: partOf(gatewayName),
    });
    const child = { parent: this };
    const policies = authorizationPolicies(args);
    for (const [key, spec] of Object.entries(policies)) {
      new AuthorizationPolicy(`${name}-${key}`, { metadata: metadata(key), spec }, child);
    }
    for (const { name: service, access } of services) {
      if (access?.jwt !== undefined) {
        const spec = authenticationSpec(access.jwt, gatewayName);
        new RequestAuthentication(`${name}-${service}--jwt`, { metadata: metadata(`${service}--jwt`), spec }, child);
      }
    }
    if (Object.keys(policies).length > 0) {
      const spec = accessScopeSpec(services, gatewayName, args.domain);
      new GatewayEnvoyFilter(name, { feature: "access-scope", spec, gatewayName, gatewayNamespace }, child);
    }
    this.registerOutputs();
  }
}

/** By the last part of their names. Names of services hold no `--`, so those of the gateway's own clash with none. */
export function authorizationPolicies(args: AccessArgs): Record<string, AuthorizationPolicySpec> {
  const { services, gatewayName, clientAddress, denyByDefault } = args;
  const policies: Record<string, AuthorizationPolicySpec | undefined> = {
    "other-hosts": denyByDefault ? otherHostsSpec(services, gatewayName) : undefined,
    detours: detourSpec(clientAddress, gatewayName),
  };
  for (const service of services) {
    policies[`${service.name}--access`] = refusalSpec(service, gatewayName, answersPreflights(service.host, services));
    policies[`${service.name}--external-authorization`] = externalAuthorizationSpec(service, gatewayName);
  }
  return Object.fromEntries(
    Object.entries(policies).flatMap(([key, spec]) => (spec === undefined ? [] : [[key, spec] as const])),
  );
}
