import type * as pulumi from "@pulumi/pulumi";
import { HTTPRoute, type HTTPRouteSpec } from "../../kinds/httpRoute";
import {
  type GatewayRef,
  HTTP_LISTENER,
  HTTPS_PORT,
  ownMetadata,
  ownName,
  SUFFIXES,
  wildcardOf,
} from "../shared/naming";

export interface HttpsRedirectArgs {
  /** The Gateway whose http listener redirects. The route lives in its namespace. */
  gateway: GatewayRef;
  /** Requests for `*.DOMAIN` are redirected. */
  domain: pulumi.Input<string>;
}

/** Sends every plain-HTTP request to the same URL on https, with a 301. */
export class HttpsRedirect extends HTTPRoute {
  constructor(name: string, args: HttpsRedirectArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { metadata: ownMetadata(args.gateway, SUFFIXES.redirect), spec: redirectSpec(args) }, opts);
  }
}

/** Bound to the http listener alone: on both listeners it would redirect https to itself, for ever. */
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
