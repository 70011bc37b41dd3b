import { isIP } from "node:net";

/** An address block, as the bits its addresses share. */
interface Block {
  readonly bits: bigint;
  /** Bits in an address: 32 or 128. */
  readonly size: number;
  readonly prefix: number;
}

/** Bits of ::ffff:0:0/96, where IPv4 addresses are in the form of IPv6. */
export const MAPPED_PREFIX = 96;

/** What is wrong with an address or a CIDR block; undefined if nothing is. */
export function blockFlaw(text: string): string | undefined {
  const block = parseBlock(text);
  if (block === undefined) {
    return "an IP address or a CIDR block such as 192.168.0.0/16 or 2001:db8::/32";
  }
  const host = block.bits & ((1n << BigInt(block.size - block.prefix)) - 1n);
  if (host !== 0n) {
    const first = formatAddress(block.bits - host, block.size);
    return `a block that starts at its first address: ${first}/${block.prefix}, or a single address without a prefix`;
  }
  // Envoy matches IPv4 clients only against IPv4 blocks, so this entry would match nobody.
  return block.size === 128 && block.prefix >= MAPPED_PREFIX && block.bits >> 32n === 0xffffn
    ? "the IPv4 form of this IPv4-mapped block"
    : undefined;
}

/** Whether a block contains all of another. Both must be valid. */
export function covers(outer: string, inner: string): boolean {
  const [a, b] = [parseBlock(outer), parseBlock(inner)];
  if (a === undefined || b === undefined || a.size !== b.size || a.prefix > b.prefix) {
    return false;
  }
  const shift = BigInt(a.size - a.prefix);
  return a.bits >> shift === b.bits >> shift;
}

/** Whether blocks together contain all of another. All must be valid. */
export function coversAll(outer: readonly string[], inner: string): boolean {
  if (outer.some((block) => covers(block, inner))) {
    return true;
  }
  // Only blocks inside it are left, which may cover each of its halves.
  const inside = outer.filter((block) => covers(inner, block));
  return inside.length > 1 && halves(inner).every((half) => coversAll(inside, half));
}

function halves(text: string): string[] {
  const block = parseBlock(text);
  if (block === undefined || block.prefix === block.size) {
    return [text];
  }
  const prefix = block.prefix + 1;
  const second = block.bits | (1n << BigInt(block.size - prefix));
  return [block.bits, second].map((bits) => `${formatAddress(bits, block.size)}/${prefix}`);
}

/** The address of a valid block, and the length of its prefix; for a single address all its bits. */
export function splitBlock(text: string): { address: string; prefix: number } {
  const [address = ""] = text.split("/");
  return { address, prefix: parseBlock(text)?.prefix ?? 0 };
}

/** The blocks, and for each of IPv4 that of its addresses in the form of IPv6, such as ::ffff:192.168.0.0/112 for 192.168.0.0/16. */
export function withMapped(blocks: readonly string[]): string[] {
  return blocks.flatMap((text) => {
    const block = parseBlock(text);
    return block?.size === 32 ? [text, `::ffff:${text.split("/")[0] ?? ""}/${MAPPED_PREFIX + block.prefix}`] : [text];
  });
}

function parseBlock(text: string): Block | undefined {
  const [address = "", suffix, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || address.includes("%") || more.length > 0) {
    return undefined;
  }
  const size = family === 4 ? 32 : 128;
  const prefix = suffix === undefined ? size : /^(0|[1-9][0-9]{0,2})$/.test(suffix) ? Number(suffix) : size + 1;
  return prefix > size ? undefined : { bits: family === 4 ? bitsOfV4(address) : bitsOfV6(address), size, prefix };
}

function bitsOfV4(address: string): bigint {
  return address.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function bitsOfV6(address: string): bigint {
  // The URL parser converts a trailing IPv4 part to two hexadecimal groups.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string) => text.split(":").filter((group) => group !== "");
  const [first, last] = [groups(head), groups(tail ?? "")];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => "0");
  return [...first, ...zeros, ...last].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function formatAddress(bits: bigint, size: number): string {
  const [width, base, separator] = size === 32 ? ([8, 10, "."] as const) : ([16, 16, ":"] as const);
  const parts = Array.from({ length: size / width }, (_, index) => {
    const shift = BigInt(size - width * (index + 1));
    return ((bits >> shift) & ((1n << BigInt(width)) - 1n)).toString(base);
  });
  const text = parts.join(separator);
  return size === 32 ? text : new URL(`http://[${text}]`).hostname.slice(1, -1);
}
