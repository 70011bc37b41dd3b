import type { ByAddress } from "../../config/schema/limits/rateLimit";
import { MAPPED_PREFIX } from "../../config/values/cidr";

/**
 * What tells clients apart for a limit: the entries of a descriptor, and the Envoy action that produces each of them. Without a value,
 * an entry stands for every value, each with its own counter.
 */
export interface ClientDescriptor {
  readonly entries: readonly { readonly key: string; readonly value?: string }[];
  readonly actions: readonly Record<string, unknown>[];
}

const KIND = "ipv4_mapped";
/** IPv4 addresses in the form of IPv6, as some proxies write them. */
const MAPPED = [{ address_prefix: "::ffff:0:0", prefix_len: MAPPED_PREFIX }];

/**
 * Clients by the first bits of their address. An IPv4-mapped address, which only a proxy can tell, is counted as the IPv4 address:
 * with the prefix of IPv6, all of them would share one counter.
 * @param isTold Whether proxies tell the clients' addresses: without, no address is mapped.
 */
export function byAddress(
  { ipv4PrefixLength, ipv6PrefixLength }: Pick<ByAddress, "ipv4PrefixLength" | "ipv6PrefixLength">,
  isTold: boolean,
): ClientDescriptor[] {
  const descriptor = (isMapped: boolean, v6: number): ClientDescriptor => ({
    entries: [{ key: KIND, value: String(isMapped) }, { key: "masked_remote_address" }],
    actions: [
      isTold
        ? {
            remote_address_match: {
              descriptor_key: KIND,
              descriptor_value: String(isMapped),
              address_matcher: { ranges: MAPPED, invert_match: !isMapped },
            },
          }
        : { generic_key: { descriptor_key: KIND, descriptor_value: String(isMapped) } },
      { masked_remote_address: { v4_prefix_mask_len: ipv4PrefixLength, v6_prefix_mask_len: v6 } },
    ],
  });
  const plain = descriptor(false, ipv6PrefixLength);
  return isTold ? [plain, descriptor(true, MAPPED_PREFIX + ipv4PrefixLength)] : [plain];
}

/** Clients by the value of a header. Requests without it have no such descriptor. */
export function byHeader(header: string): ClientDescriptor {
  return {
    entries: [{ key: "client" }],
    actions: [{ request_headers: { header_name: header.toLowerCase(), descriptor_key: "client" } }],
  };
}
