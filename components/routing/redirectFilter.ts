import type { Rule, Service } from "../../config";
import type { Redirect } from "../../config/schema/routing/answers";
import { bare } from "../../config/values/path";
import type { HTTPPathModifier, HTTPRequestRedirect } from "../../kinds/httpRoute";

/** Without a scheme, Istio takes the port of the listener, whatever the host. */
export function redirectFilter(
  { host, scheme, port, path, prefix, status }: Redirect,
  { path: matched }: Pick<Rule, "path">,
  { hosts }: Pick<Service, "hosts">,
): HTTPRequestRedirect {
  const isPlain = hosts.some(({ plainListener }) => plainListener !== undefined);
  return {
    scheme: scheme ?? (host === undefined || isPlain ? undefined : "https"),
    hostname: host,
    port,
    path: pathModifier(matched, path, prefix),
    statusCode: status,
  };
}

/** Envoy puts the prefix in place of `/` itself, but of `/x` in `/x/y`. */
function pathModifier(
  matched: string,
  path: string | undefined,
  prefix: string | undefined,
): HTTPPathModifier | undefined {
  if (path !== undefined) {
    return { type: "ReplaceFullPath", replaceFullPath: path };
  }
  const replacePrefixMatch = `${bare(prefix ?? "")}${bare(matched) === "" ? "/" : ""}`;
  return prefix === undefined ? undefined : { type: "ReplacePrefixMatch", replacePrefixMatch };
}
