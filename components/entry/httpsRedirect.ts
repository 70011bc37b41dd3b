import type * as pulumi from "@pulumi/pulumi";
import type { ClientAddress } from "../../config/schema/entry/clientAddress";
import type { HttpsRedirectConfig } from "../../config/schema/entry/httpsRedirect";
import { HTTPRoute, type HTTPRouteRule, type HTTPRouteSpec } from "../../kinds/httpRoute";
import { UNPUBLISHED } from "../shared/externalDns";
import { HTTPS_PORT } from "../../config/resolve/protocols";
import { type GatewayRef, HTTP_LISTENER, ownMetadata, ownName, SUFFIXES } from "../shared/naming";

export interface HttpsRedirectArgs {
  /** The Gateway whose http listener redirects. The route lives in its namespace. */
  gateway: GatewayRef;
  /** Hosts whose requests are redirected, wildcards among them, at most 16. Absent: all. */
  hostnames?: pulumi.Input<pulumi.Input<string>[]>;
  /** Which of the port's redirects it is, from 1, if there are more hosts than one route holds. Default: 1. */
  page?: number;
  /** Port of https. Default: 443. */
  port?: number;
  /** `gateway.httpsRedirect` of `gatewayConfig()`. Default: a 301. */
  config?: HttpsRedirectConfig;
  /** What stands between clients and the gateway. With trusted proxies, what they received by https is refused. Default: nothing. */
  clientAddress?: Pick<ClientAddress, "trustedProxies">;
}

/** Redirects every plain-HTTP request to the same URL on https. */
export class HttpsRedirect extends HTTPRoute {
  constructor(name: string, args: HttpsRedirectArgs, opts?: pulumi.CustomResourceOptions) {
    // external-dns would publish the wildcard.
    const metadata = { ...ownMetadata(args.gateway, suffixOf(args)), annotations: UNPUBLISHED };
    super(name, { metadata, spec: redirectSpec(args) }, opts);
  }
}

/** An HTTPRoute holds at most 16 hostnames (Gateway API v1 schema). */
const MOST_HOSTNAMES = 16;

/** The host names of each redirect that a gateway needs; undefined for all. @param hosts `undefined` for every host. */
export function redirectPages(hosts: readonly (string | undefined)[]): (string[] | undefined)[] {
  const names = hosts.filter((host) => host !== undefined);
  return names.length < hosts.length
    ? [undefined]
    : Array.from({ length: Math.ceil(names.length / MOST_HOSTNAMES) }, (_, page) =>
        names.slice(page * MOST_HOSTNAMES, (page + 1) * MOST_HOSTNAMES),
      );
}

function suffixOf(args: Pick<HttpsRedirectArgs, "page" | "port">): string {
  return [SUFFIXES.redirect, ...redirectParts(args)].join("-");
}

/** What tells the redirects of a gateway apart: nothing for the first to 443. */
export function redirectParts({ page = 1, port = HTTPS_PORT }: Pick<HttpsRedirectArgs, "page" | "port">): string[] {
  return [...(port === HTTPS_PORT ? [] : [`to-${port}`]), ...(page === 1 ? [] : [String(page)])];
}

/** Bound only to the http listener: on both, it would redirect https to itself forever. */
export function redirectSpec(args: HttpsRedirectArgs): HTTPRouteSpec {
  const { gateway, hostnames, port = HTTPS_PORT, config, clientAddress } = args;
  const name = ownName(gateway, suffixOf(args));
  const statusCode = config?.statusCode ?? 301;
  return {
    parentRefs: [{ name: gateway.name, namespace: gateway.namespace, sectionName: HTTP_LISTENER }],
    hostnames,
    rules: [
      ...((clientAddress?.trustedProxies ?? 0) > 0 ? [refusal(`${name}-loop`)] : []),
      {
        name,
        filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https", port, statusCode } }],
      },
    ],
  };
}

/**
 * Answers 404 (Istio 1.31: 500), as every rule without a backend: a client that came by https to a proxy, which came here by http,
 * would be redirected to where it came from, forever. Never served: behind trusted proxies Envoy keeps X-Forwarded-Proto from
 * whoever sends it, and without any it sets its own.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-proto
 */
function refusal(name: string): HTTPRouteRule {
  const headers = [{ type: "RegularExpression" as const, name: "X-Forwarded-Proto", value: FROM_HTTPS }];
  return { name, matches: [{ path: { type: "PathPrefix", value: "/" }, headers }] };
}

/** The client's protocol is the first, if proxies append theirs. */
const FROM_HTTPS = "(?i)https([ ,].*)?";
