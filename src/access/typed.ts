/**
 * Values of the typed condition operators: numbers, dates, IP ranges, ARNs. Parsing only; nothing here knows about
 * policies. Source of the formats: IAM User Guide, "Condition operators".
 */

/** A number exactly: `digits` divided by ten to the power of `scale`. */
export interface Exact {
  readonly digits: bigint;
  readonly scale: number;
}

/** An integer or decimal number, with or without an exponent, or undefined. */
export function parseNumber(text: string): Exact | undefined {
  const m = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,3}))?$/.exec(text.trim());
  if (m === null) return undefined;
  const [, sign, whole = "", after, only, exponent] = m;
  const fraction = after ?? only ?? "";
  const digits = BigInt(`${whole}${fraction}`) * (sign === "-" ? -1n : 1n);
  const scale = fraction.length - (exponent === undefined ? 0 : Number(exponent));
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** A whole number. */
export function exact(n: number): Exact {
  return { digits: BigInt(n), scale: 0 };
}

/** Both with the same scale. */
function aligned(a: Exact, b: Exact): readonly [bigint, bigint, number] {
  if (a.scale === b.scale) return [a.digits, b.digits, a.scale];
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale), scale];
}

/** Negative, zero or positive, exactly. */
export function compareNumbers(a: Exact, b: Exact): number {
  const [x, y] = aligned(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The number in the middle of two. */
export function middle(a: Exact, b: Exact): Exact {
  const [x, y, scale] = aligned(a, b);
  return { digits: (x + y) * 5n, scale: scale + 1 };
}

/** The greatest whole number that is not greater. */
export function floorOf({ digits, scale }: Exact): bigint {
  const unit = 10n ** BigInt(scale);
  const whole = digits / unit;
  return digits % unit < 0n ? whole - 1n : whole;
}

/** Whether it is a whole number. */
export function isWhole({ digits, scale }: Exact): boolean {
  return scale === 0 || digits % 10n ** BigInt(scale) === 0n;
}

/** A number as digits. */
export function formatNumber({ digits, scale }: Exact): string {
  if (scale === 0) return String(digits);
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, "0");
  const fraction = text.slice(-scale).replace(/0+$/, "");
  const whole = `${digits < 0n ? "-" : ""}${text.slice(0, -scale)}`;
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

const ISO =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[Tt](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?([Zz]|[+-]\d{2}:?\d{2})?)?)?)?$/;

/** Seconds since the epoch of a W3C date or of epoch seconds, or undefined. */
export function parseDate(text: string): number | undefined {
  const m = ISO.exec(text);
  // Four digits are a year, as in the W3C profile; other digit strings are epoch seconds.
  if (m === null) {
    return /^-?\d{1,12}(\.\d+)?$/.test(text) ? Math.round(Number(text) * 1000) / 1000 : undefined;
  }
  const [, y = "", mo = "01", d = "01", h = "00", mi = "00", s = "00", frac = "", zone = "Z"] = m;
  const [year, month, day, hour, minute, second] = [y, mo, d, h, mi, s].map(Number) as Six;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  // Date.UTC would take a year before 100 for one of the twentieth century.
  const midnight = date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day)
    return undefined;
  const offset = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
  const ahead =
    offset === null ? 0 : (Number(offset[2]) * 60 + Number(offset[3])) * (offset[1] === "-" ? -60 : 60);
  const milliseconds = Math.trunc(Number(`0.${frac === "" ? "0" : frac}`) * 1000);
  return midnight / 1000 + hour * 3600 + minute * 60 + second - ahead + milliseconds / 1000;
}

type Six = [number, number, number, number, number, number];

/** Whether a date gives a time of day without a time zone, which the documented profile does not allow. */
export function lacksZone(text: string): boolean {
  return /T.*\d$/i.test(text) && !/[+-]\d{2}:?\d{2}$/.test(text);
}

/** Seconds since the epoch as AWS writes aws:CurrentTime. */
export function formatDate(seconds: number): string {
  return new Date(Math.floor(seconds) * 1000).toISOString();
}

/** A text that is compared as this moment: a number of seconds where the year does not have four digits. */
export function textOfMoment(seconds: number): string {
  const text = formatDate(seconds);
  return /^\d{4}-/.test(text) ? text : String(Math.floor(seconds));
}

/** An address range: the integers from `first` to `last` of one family. */
export interface IpRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  readonly prefix: number;
}

function parseV4(text: string): bigint | undefined {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (m === null) return undefined;
  let out = 0n;
  for (const part of m.slice(1)) {
    const n = Number(part);
    if (n > 255 || (part.length > 1 && part.startsWith("0"))) return undefined;
    out = (out << 8n) | BigInt(n);
  }
  return out;
}

function parseV6(text: string): bigint | undefined {
  let source = text;
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (tail !== null) {
    const v4 = parseV4(tail[2] ?? "");
    if (v4 === undefined) return undefined;
    source = `${tail[1] ?? ""}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
  }
  const halves = source.split("::");
  if (halves.length > 2) return undefined;
  const groups = (s: string): string[] => (s === "" ? [] : s.split(":"));
  const head = groups(halves[0] ?? "");
  const rest = halves.length === 2 ? groups(halves[1] ?? "") : [];
  const missing = 8 - head.length - rest.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...head, ...Array.from({ length: missing }, () => "0"), ...rest];
  let out = 0n;
  for (const g of all) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(g)) return undefined;
    out = (out << 16n) | BigInt(`0x${g}`);
  }
  return out;
}

/** A CIDR range or a single address, or undefined. */
export function parseIpRange(text: string): IpRange | undefined {
  const [address = "", length, ...more] = text.split("/");
  if (more.length > 0) return undefined;
  const v4 = parseV4(address);
  const value = v4 ?? parseV6(address);
  if (value === undefined) return undefined;
  const family = v4 === undefined ? 6 : 4;
  const bits = family === 4 ? 32 : 128;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
  const prefix = length === undefined ? bits : Number(length);
  if (prefix > bits) return undefined;
  const size = 1n << BigInt(bits - prefix);
  const first = (value / size) * size;
  return { family, first, last: first + size - 1n, prefix };
}

/** Whether a range holds an address (a range of one). */
export function inRange(range: IpRange, address: IpRange): boolean {
  return range.family === address.family && range.first <= address.first && address.last <= range.last;
}

/** The IPv4 addresses that a range of IPv4-mapped IPv6 addresses (::ffff:0:0/96, RFC 4291) stands for. */
export function mappedV4({ family, first, last, prefix }: IpRange): IpRange | undefined {
  if (family !== 6 || prefix < 96 || first >> 32n !== 0xffffn) return undefined;
  return { family: 4, first: first & 0xffffffffn, last: last & 0xffffffffn, prefix: prefix - 96 };
}

/** An address as text. */
export function formatIp(family: 4 | 6, value: bigint): string {
  const bits = family === 4 ? 8n : 16n;
  const count = family === 4 ? 4 : 8;
  const parts: string[] = [];
  for (let i = count - 1; i >= 0; i -= 1) {
    const part = (value >> (bits * BigInt(i))) & ((1n << bits) - 1n);
    parts.push(part.toString(family === 4 ? 10 : 16));
  }
  return parts.join(family === 4 ? "." : ":");
}

/** The six parts of an ARN (the sixth keeps its colons), or undefined. */
export function arnParts(text: string): readonly string[] | undefined {
  const parts = text.split(":");
  if (parts.length < 6 || parts[0] !== "arn") return undefined;
  return [...parts.slice(0, 5), parts.slice(5).join(":")];
}

/** Base64 text in one spelling, so that equal text means equal bytes; undefined for other text. */
export function parseBase64(text: string): string | undefined {
  const m = /^([A-Za-z0-9+/]*)(={0,2})$/.exec(text);
  const [, body = "", padding = ""] = m ?? [];
  if (m === null || body.length % 4 === 1) return undefined;
  if (padding !== "" && (body.length + padding.length) % 4 !== 0) return undefined;
  return Buffer.from(body, "base64").toString("base64");
}
