import { splitBlock } from "../../config/values/cidr";

/** Types of Envoy's API that several filters share. */

/** The `@type` and the fields of an HTTP filter's config. */
export type FilterConfig = Readonly<Record<string, unknown>> & { readonly "@type": string };

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/type/v3/percent.proto */
export interface FractionalPercent {
  readonly numerator: number;
  readonly denominator: "HUNDRED";
}

/** @param share A whole number of percent, 0 to 100. */
export function percentage(share: number): FractionalPercent {
  return { numerator: share, denominator: "HUNDRED" };
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/core/v3/address.proto#config-core-v3-cidrrange */
export interface CidrRange {
  readonly address_prefix: string;
  readonly prefix_len: number;
}

/** @param block An address or a CIDR block. */
export function cidrRange(block: string): CidrRange {
  const { address, prefix } = splitBlock(block);
  return { address_prefix: address, prefix_len: prefix };
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/core/v3/base.proto#config-core-v3-headervalueoption */
export interface HeaderValueOption {
  readonly header: { readonly key: string; readonly value: string };
  readonly append_action: "OVERWRITE_IF_EXISTS_OR_ADD" | "APPEND_IF_EXISTS_OR_ADD";
}

/** @param value May have command operators, such as `%REQ(host)%`. */
export function headerValue(
  key: string,
  value: string,
  append_action: HeaderValueOption["append_action"] = "OVERWRITE_IF_EXISTS_OR_ADD",
): HeaderValueOption {
  return { header: { key, value }, append_action };
}
