import type * as pulumi from "@pulumi/pulumi";
import { HTTPRoute, type HTTPRouteSpec } from "../../kinds/httpRoute";
import { type GatewayRef, HTTP_LISTENER, HTTPS_PORT, ownMetadata, ownName, SUFFIXES } from "../shared/naming";
import { wildcardOf } from "../shared/wildcard";

export interface HttpsRedirectArgs {
  /** The Gateway whose http listener redirects. The route lives in its namespace. */
  gateway: GatewayRef;
  /** Requests for `*.DOMAIN` are redirected. */
  domain: pulumi.Input<string>;
}

/** Redirects every plain-HTTP request to the same URL on https, with a 301. */
export class HttpsRedirect extends HTTPRoute {
  constructor(name: string, args: HttpsRedirectArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { metadata: ownMetadata(args.gateway, SUFFIXES.redirect), spec: redirectSpec(args) }, opts);
  }
}

/** Bound only to the http listener: on both, it would redirect https to itself forever. */
export function redirectSpec({ gateway, domain }: HttpsRedirectArgs): HTTPRouteSpec {
  return {
    parentRefs: [{ name: gateway.name, namespace: gateway.namespace, sectionName: HTTP_LISTENER }],
    hostnames: [wildcardOf(domain)],
    rules: [
      {
        name: ownName(gateway, SUFFIXES.redirect),
        filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https", port: HTTPS_PORT, statusCode: 301 } }],
      },
    ],
  };
}
