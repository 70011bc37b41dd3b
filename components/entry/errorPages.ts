import type { StackConfig } from "../../config";
import { type ErrorPages, filledIn, type PageVariable, TITLES } from "../../config/schema/entry/errorPages";
import { sameContent } from "../../config/values/sameContent";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { customResponse, localResponse } from "../shared/customResponse";
import { type FilterConfig, headerValue } from "../shared/envoyTypes";
import { type Choice, filterByRoute, filterName, NO_ACTION } from "../shared/filterByRoute";

/**
 * Pages in place of the texts of the gateway's own answers. The filter is in front of all that refuse, so that it sees what they
 * answer. Requests that no rule takes get the gateway's pages. Empty if nothing asks for pages.
 */
export function errorPagesPatches({
  services,
  gateway: { errorPages: others },
}: {
  readonly services: StackConfig["services"];
  readonly gateway: Pick<StackConfig["gateway"], "errorPages">;
}): ConfigPatch[] {
  const filters = services
    .filter(({ errorPages }) => !sameContent(errorPages, others))
    .flatMap(({ rules, errorPages }) =>
      rules.map(({ name }) => [name, errorPages === undefined ? NO_ACTION : byAccept(errorPages)] as const),
    );
  return filterByRoute({
    feature: "error-pages",
    place: "first",
    by: "rule",
    filters: new Map(filters),
    otherwise: others && byAccept(others),
  });
}

/** Header of each page, by which clients know that the gateway made it (RFC 9209). */
export const PAGE_HEADER = "proxy-status";
export const PAGE_SERVER = "unified-gateway";

/** gRPC's clients read errors from trailers. */
function byAccept(pages: ErrorPages): Choice {
  return {
    choices: [
      { header: "content-type", contains: "application/grpc", filters: NO_ACTION },
      { header: "accept", contains: "text/html", filters: pagesOf(pages, "html") },
    ],
    otherwise: pagesOf(pages, "json"),
  };
}

const CONTENT_TYPES = { html: "text/html; charset=utf-8", json: "application/problem+json" } as const;

type Form = keyof typeof CONTENT_TYPES;

const BUILT_IN: Readonly<Record<Form, string>> = {
  html: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>\${status}</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1rem }
</style>
<h1>\${title}</h1>
<p>Status \${status}</p>
<p><small>Request \${requestId}</small></p>
</html>
`,
  json: `{"status":\${status},"title":"\${title}","requestId":"\${requestId}"}\n`,
};

/**
 * Answers anew, with the page alone and the headers below; what the route adds, it adds again. The second filter passes on headers of
 * the first answer as metadata.
 */
function pagesOf({ pages, backendErrors }: ErrorPages, form: Form): FilterConfig[] {
  const own = pages.flatMap(({ statuses, [form]: text }) => (text === undefined ? [] : [{ statuses, text }]));
  const last = own.findIndex(({ statuses }) => statuses === undefined);
  const all = last < 0 ? [...own, { statuses: undefined, text: BUILT_IN[form] }] : own.slice(0, last + 1);
  const matchers = all.map(({ statuses = ["4xx", "5xx"], text }) => ({
    predicate: anyOf(statuses.map((status) => hasStatus(String(status)))),
    on_match: page(text, CONTENT_TYPES[form]),
  }));
  const isOwn = single("HttpResponseLocalReplyMatchInput", "true");
  const predicate = {
    and_matcher: { predicate: [backendErrors ? anyOf([isOwn, hasStatus("5xx")]) : isOwn, NOT_THE_AUTHORIZERS] },
  };
  return [
    customResponse({
      matcher_list: { matchers: [{ predicate, on_match: { matcher: { matcher_list: { matchers } } } }] },
    }),
    {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config",
      response_rules: KEPT_HEADERS.map((header) => ({
        header,
        on_header_present: { metadata_namespace: METADATA, key: header },
      })),
    },
  ];
}

/** What the gateway's own answers say beside their status, and CORS. */
const KEPT_HEADERS = [
  "www-authenticate",
  "retry-after",
  "x-ratelimit-limit",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
  "x-envoy-ratelimited",
  "x-envoy-overloaded",
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-expose-headers",
];
const METADATA = filterName("error-pages");

function page(text: string, contentType: string): ReturnType<typeof localResponse> {
  const headers = { "content-type": contentType, vary: "Accept", [PAGE_HEADER]: PAGE_SERVER };
  const operators = (name: PageVariable) => OPERATORS[name];
  return localResponse("page", {
    body_format: {
      // A status without a name has no title.
      omit_empty_values: true,
      text_format_source: { inline_string: filledIn(text, operators, (literal) => literal.replaceAll("%", "%%")) },
    },
    response_headers_to_add: [
      ...Object.entries(headers).map(([key, value]) => headerValue(key, value)),
      // One without a value is left out.
      ...KEPT_HEADERS.map((key) => ({ header: { key, value: `%DYNAMIC_METADATA(${METADATA}:${key})%` } })),
    ],
  });
}

const TITLE_MAP = `{${Object.entries(TITLES)
  .map(([status, title]) => `${status}:${JSON.stringify(title)}`)
  .join(",")}}`;

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/advanced/substitution_formatter */
const OPERATORS: Readonly<Record<PageVariable, string>> = {
  status: "%RESPONSE_CODE%",
  title: `%CEL(${TITLE_MAP}[response.code])%`,
  requestId: "%REQ(X-REQUEST-ID)%",
};

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/xds/type/matcher/v3/matcher.proto */
type Predicate = Readonly<Record<string, unknown>>;

function hasStatus(status: string): Predicate {
  return single(
    status.endsWith("xx") ? "HttpResponseStatusCodeClassMatchInput" : "HttpResponseStatusCodeMatchInput",
    status,
  );
}

function single(input: string, exact: string): Predicate {
  const typed_config = { "@type": `type.googleapis.com/envoy.type.matcher.v3.${input}` };
  return { single_predicate: { input: { name: "response", typed_config }, value_match: { exact } } };
}

/** Envoy refuses a list of one. */
function anyOf(predicates: readonly Predicate[]): Predicate {
  const [only] = predicates;
  return predicates.length === 1 && only !== undefined ? only : { or_matcher: { predicate: predicates } };
}

/** What an external authorizer answers, a login page perhaps, is not the gateway's: `response.code_details != "ext_authz_denied"`. */
const NOT_THE_AUTHORIZERS: Predicate = {
  single_predicate: {
    input: {
      name: "response",
      typed_config: { "@type": "type.googleapis.com/xds.type.matcher.v3.HttpAttributesCelMatchInput" },
    },
    custom_match: {
      name: "authorizer",
      typed_config: {
        "@type": "type.googleapis.com/xds.type.matcher.v3.CelMatcher",
        expr_match: {
          cel_expr_parsed: {
            expr: {
              id: 1,
              call_expr: {
                function: "_!=_",
                args: [
                  {
                    id: 2,
                    select_expr: { operand: { id: 3, ident_expr: { name: "response" } }, field: "code_details" },
                  },
                  { id: 4, const_expr: { string_value: "ext_authz_denied" } },
                ],
              },
            },
          },
        },
      },
    },
  },
};
