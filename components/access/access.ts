import * as pulumi from "@pulumi/pulumi";
import type { Service } from "../../config";
import type { ClientAddress } from "../../config/schema/entry/clientAddress";
import { AuthorizationPolicy, type AuthorizationPolicySpec } from "../../kinds/authorizationPolicy";
import { RequestAuthentication } from "../../kinds/requestAuthentication";
import { type GatewayRef, ownMetadata } from "../shared/naming";
import type { Stream } from "../../config/resolve/model";
import { authenticationSpec, detourSpec, externalAuthorizationSpec, streamSpec } from "./authorization";

export interface AccessArgs {
  /** Services with their `access`: `services` of `gatewayConfig()`. */
  services: readonly Service[];
  /** Streams with their `access`: `streams` of the same. Default: none. */
  streams?: readonly Stream[];
  /** The Gateway that the objects select. They live in its namespace. */
  gateway: GatewayRef;
  /** What stands between clients and the gateway. Default: nothing is known. */
  clientAddress?: ClientAddress;
}

/**
 * Istio's part of who may enter: it checks tokens, asks the external authorizer, and refuses connections that bypass the proxies.
 * The EnvoyFilters `credentials` and `access` say on which hosts, and decide: without them, nobody is refused because of a token.
 */
export class Access extends pulumi.ComponentResource {
  /** What it has made, for routes to depend on: a dependency on the component orders only their creation, not their deletion. */
  readonly policies: readonly pulumi.Resource[];

  constructor(name: string, args: AccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:Access", name, {}, opts);
    const { services, gateway } = args;
    const child = { parent: this };
    const policies: pulumi.Resource[] = Object.entries(authorizationPolicies(args)).map(
      ([key, spec]) => new AuthorizationPolicy(`${name}-${key}`, { metadata: ownMetadata(gateway, key), spec }, child),
    );
    const authentication = authenticationSpec(services, gateway);
    if (authentication !== undefined) {
      const metadata = ownMetadata(gateway, "jwt");
      policies.push(new RequestAuthentication(`${name}-jwt`, { metadata, spec: authentication }, child));
    }
    this.policies = policies;
    this.registerOutputs();
  }
}

/** By the last part of their names. */
export function authorizationPolicies({
  services,
  streams = [],
  gateway,
  clientAddress,
}: AccessArgs): Record<string, AuthorizationPolicySpec> {
  const policies: Record<string, AuthorizationPolicySpec | undefined> = {
    "external-authorization": externalAuthorizationSpec(services, gateway),
    detours: detourSpec(clientAddress, gateway),
    streams: streamSpec(streams, gateway),
  };
  return Object.fromEntries(
    Object.entries(policies).flatMap(([key, spec]) => (spec === undefined ? [] : [[key, spec] as const])),
  );
}
