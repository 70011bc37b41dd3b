import type * as pulumi from "@pulumi/pulumi";
import { HTTPRoute, type HTTPRouteSpec } from "../../kinds/httpRoute";
import { HTTP_LISTENER, HTTPS_PORT, partOf } from "../shared/naming";

export interface HttpsRedirectArgs {
  gatewayName: string;
  namespace: string;
  domain: string;
}

/** Sends every plain-HTTP request to the same URL on https, with a 301. */
export class HttpsRedirect extends HTTPRoute {
  constructor(name: string, args: HttpsRedirectArgs, opts?: pulumi.CustomResourceOptions) {
    const { gatewayName, namespace } = args;
    const metadata = { name: redirectName(gatewayName), namespace, labels: partOf(gatewayName) };
    super(name, { metadata, spec: redirectSpec(args) }, opts);
  }
}

/** Name of the route, and of its rule: no service can be called so, since `--` is refused in names of services. */
export function redirectName(gatewayName: string): string {
  return `${gatewayName}--https-redirect`;
}

/** Bound to the http listener alone: on both listeners it would redirect https to itself, for ever. */
export function redirectSpec({ gatewayName, namespace, domain }: HttpsRedirectArgs): HTTPRouteSpec {
  return {
    parentRefs: [{ name: gatewayName, namespace, sectionName: HTTP_LISTENER }],
    hostnames: [`*.${domain}`],
    rules: [
      {
        name: redirectName(gatewayName),
        filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https", port: HTTPS_PORT, statusCode: 301 } }],
      },
    ],
  };
}
