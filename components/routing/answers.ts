import type { Rule, Service } from "../../config";
import { type ClientAddress, tellsClients } from "../../config/schema/entry/clientAddress";
import type { HeaderChanges } from "../../config/schema/routing/filters";
import { envoyValue } from "../../config/schema/routing/variables";
import { withMapped } from "../../config/values/cidr";
import { seconds } from "../../config/values/duration";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { abortFilter } from "../shared/abortFilter";
import { customResponse, localResponse } from "../shared/customResponse";
import { type FilterConfig, headerValue } from "../shared/envoyTypes";
import {
  byRule,
  FILTER_STATE_INPUT,
  type FiltersUnlessFrom,
  filterByRoute,
  filterName,
  NO_ACTION,
} from "../shared/filterByRoute";
import { setFilterState } from "../shared/setFilterState";
import { withHsts } from "./hsts";

/**
 * What the gateway answers in place of backends, behind all that decides who may enter. Fixed answers and refusals replace the status
 * that Istio gives to a rule without backends, so where this filter is missing, nobody is served either. Empty if no rule has any.
 */
export function answerPatches(services: readonly Service[], clientAddress: ClientAddress | undefined): ConfigPatch[] {
  const filters = byRule(services, (rule, { hsts }) =>
    answerOf(rule, withHsts(rule.responseHeaders, hsts), clientAddress),
  );
  return filterByRoute({ feature: "answers", place: "last", by: "rule", filters });
}

function answerOf(
  { respond, deny, maintenance }: Rule,
  changes: HeaderChanges | undefined,
  clientAddress: ClientAddress | undefined,
): readonly FilterConfig[] | FiltersUnlessFrom | typeof NO_ACTION {
  if (maintenance !== undefined) {
    const { allow, retryAfter, ...content } = maintenance;
    const headers = { "retry-after": String(seconds(retryAfter)) };
    const filters = [answer({ ...content, status: UNAVAILABLE, headers }, changes), MARK, abortFilter(UNAVAILABLE)];
    return allow === undefined
      ? filters
      : { filters, unlessFrom: tellsClients(clientAddress) ? withMapped(allow) : allow };
  }
  const fixed = respond ?? deny;
  return fixed && [answer(fixed, changes), MARK];
}

const UNAVAILABLE = 503;

interface Content {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly contentType?: string;
}

/** Where a request that has come as far as here is marked: Envoy runs these filters on the response to any other, too. */
const MARKED = filterName("answers");
const MARK = setFilterState({ [MARKED]: "yes" });

/**
 * Replaces the response to a marked request by this one, and leaves alone that of whoever was refused on the way. The body is no
 * format, so it is sent as it is. Headers are one, and the route's are not added to what filters answer.
 */
function answer(content: Content, { set = {}, add = {}, remove = [] }: HeaderChanges = {}): FilterConfig {
  const { status, headers, body = "", contentType = "text/plain; charset=utf-8" } = content;
  const removed = new Set(remove.map((name) => name.toLowerCase()));
  const own = Object.entries({ ...(body === "" ? {} : { "content-type": contentType }), ...headers }).filter(
    ([name]) => !removed.has(name.toLowerCase()),
  );
  const response = localResponse("answer", {
    status_code: status,
    body: { inline_string: body },
    response_headers_to_add: [
      ...own.map(([name, value]) => headerValue(name, value.replaceAll("%", "%%"))),
      ...Object.entries(set).map(([name, value]) => headerValue(name, envoyValue(value))),
      ...Object.entries(add).map(([name, value]) => headerValue(name, envoyValue(value), "APPEND_IF_EXISTS_OR_ADD")),
    ],
  });
  return customResponse({
    matcher_tree: {
      input: { name: "marked", typed_config: { "@type": FILTER_STATE_INPUT, key: MARKED } },
      exact_match_map: { map: { yes: response } },
    },
  });
}
