import { doubtful, NO, YES } from "../tri.js";
import { negation, type OperatorRule } from "./rule.js";

/** An address or a block of addresses. A single address has all bits in its prefix. */
export interface IpBlock {
  readonly bits: 32 | 128;
  readonly address: bigint;
  readonly prefix: number;
}

/** `a.b.c.d`, four decimal numbers to 255 without leading zeros. */
function parseV4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((p) => /^(0|[1-9]\d{0,2})$/.test(p) && Number(p) <= 255))
    return undefined;
  return parts.reduce((sum, p) => (sum << 8n) | BigInt(p), 0n);
}

/** Groups of four hexadecimal digits; the last two may be written as an IPv4 address. */
function parseGroups(text: string): readonly bigint[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const tail = groups.at(-1) ?? "";
  const v4 = tail.includes(".") ? parseV4(tail) : undefined;
  if (tail.includes(".") && v4 === undefined) return undefined;
  const hex = v4 === undefined ? groups : groups.slice(0, -1);
  if (!hex.every((g) => /^[0-9a-fA-F]{1,4}$/.test(g))) return undefined;
  const parsed = hex.map((g) => BigInt(`0x${g}`));
  return v4 === undefined ? parsed : [...parsed, v4 >> 16n, v4 & 0xffffn];
}

/** An IPv6 address (RFC 4291), with at most one `::`. */
function parseV6(text: string): bigint | undefined {
  const halves = text.split("::");
  const [head = "", tail] = halves;
  if (halves.length > 2 || !text.includes(":")) return undefined;
  const left = parseGroups(head);
  const right = parseGroups(tail ?? "");
  if (left === undefined || right === undefined) return undefined;
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...left, ...Array<bigint>(missing).fill(0n), ...right].reduce((sum, g) => (sum << 16n) | g, 0n);
}

/** An address or CIDR block of either family; undefined for other text. A bare address is its own block. */
export function parseIpBlock(text: string): IpBlock | undefined {
  const [addressText = "", prefixText, extra] = text.split("/");
  const v4 = parseV4(addressText);
  const address = v4 ?? parseV6(addressText);
  const bits = v4 === undefined ? 128 : 32;
  if (address === undefined || extra !== undefined) return undefined;
  if (prefixText === undefined) return { bits, address, prefix: bits };
  if (!/^\d{1,3}$/.test(prefixText) || Number(prefixText) > bits) return undefined;
  return { bits, address, prefix: Number(prefixText) };
}

/** Whether every address of `inner` is in `outer`. Blocks of different families have nothing in common. */
export function ipContains(outer: IpBlock, inner: IpBlock): boolean {
  if (outer.bits !== inner.bits || inner.prefix < outer.prefix) return false;
  const shift = BigInt(outer.bits - outer.prefix);
  return outer.address >> shift === inner.address >> shift;
}

/** A block of IPv4-mapped IPv6 addresses (::ffff:0:0/96, RFC 4291) as the IPv4 addresses that it stands for; others as they are. */
function unmapped(block: IpBlock): IpBlock {
  const { bits, address, prefix } = block;
  if (bits !== 128 || prefix < 96 || address >> 32n !== 0xffffn) return block;
  return { bits: 32, address: address & 0xffffffffn, prefix: prefix - 96 };
}

/** Source: IAM User Guide, "IP address condition operators" (text of 2026): CIDR blocks of RFC 4632, v4 or v6. */
const IpAddress: OperatorRule = {
  name: "IpAddress",
  negated: false,
  wildcards: false,
  variables: false,
  compare: (value, operand) => {
    const address = parseIpBlock(value);
    const block = parseIpBlock(operand.text);
    if (address === undefined || block === undefined) return "wrong-type";
    if (ipContains(block, address)) return YES;
    const mapped = unmapped(block);
    const plain = unmapped(address);
    const perhaps = (mapped !== block || plain !== address) && ipContains(mapped, plain);
    return perhaps ? doubtful("mapped-address") : NO;
  },
};

export const IP_OPERATORS: readonly OperatorRule[] = [IpAddress, negation(IpAddress, "NotIpAddress")];
