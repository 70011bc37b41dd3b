import type { Service } from "../../config";
import { groupsIn, type Rewrite } from "../../config/schema/routing/filters";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import type { FilterConfig } from "../shared/envoyTypes";
import { byRule, filterByRoute, filterName, NO_ACTION } from "../shared/filterByRoute";
import { headerMutation, setHeader } from "../shared/headerMutation";

/**
 * Rewrites whose path has groups of the rule's expression. Neither the Gateway API nor any filter of Envoy has them outside routes,
 * so the expression is applied to a copy of the path, without the query, and a script that is the same for all puts it back.
 * Empty if no rule has any.
 */
export function groupRewritePatches(services: readonly Service[]): ConfigPatch[] {
  const filters = byRule(services, ({ path: expression, rewrite }) =>
    hasGroups(rewrite) ? [COPY, substitution(expression, rewrite.path), PUT_BACK] : NO_ACTION,
  );
  return filterByRoute({ feature: "rewrite", place: "last", by: "rule", filters });
}

/** Whether a rewrite puts groups of the rule's expression into the path. */
export function hasGroups(rewrite: Rewrite | undefined): rewrite is Rewrite & { readonly path: string } {
  return rewrite?.path !== undefined && groupsIn(rewrite.path).length > 0;
}

/** Operator for the client's path, where a filter has changed it before the router sets headers. */
export const ASKED_PATH = "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%";

/** A header, since no other filter applies expressions; and metadata, which is what it applies them for. */
const COPIED = filterName("path");

const COPY = headerMutation([setHeader(COPIED, "%PATH(NQ:PATH)%")]);

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/header_to_metadata_filter */
function substitution(expression: string, path: string): FilterConfig {
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config",
    request_rules: [
      {
        header: COPIED,
        on_header_present: {
          metadata_namespace: COPIED,
          key: "path",
          regex_value_rewrite: { pattern: { google_re2: {}, regex: `^(?:${expression})$` }, substitution: path },
        },
        remove: true,
      },
    ],
  };
}

/** The route stays the one that the client's path has chosen. As where the router rewrites, logs and headers can still name that path. */
const PUT_BACK: FilterConfig = {
  "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
  clear_route_cache: false,
  default_source_code: {
    inline_string: `function envoy_on_request(request)
  local headers = request:headers()
  local asked = headers:get(":path")
  local rewritten = request:streamInfo():dynamicMetadata():get("${COPIED}")["path"]
  headers:replace("x-envoy-original-path", asked)
  headers:replace(":path", rewritten .. (asked:match("%?.*") or ""))
end
`,
  },
};
