import type { KeyFacts } from "../domain/key.js";
import type { ConditionKeyFacts } from "../semantics/condition-keys.js";
import { type Glob, literalGlob, plainGlob } from "./glob.js";
import type { Domain } from "./scalar.js";
import type { View } from "./views.js";
import type { KeyValue } from "./condition.js";
import type { DoubtId } from "../semantics/doubts.js";
import { ALIAS_SEGMENT } from "./alphabets.js";
import { formatDate, type IpRange, parseIpRange } from "./typed.js";

/** What a condition key can hold in requests of a shape. */
export type KeyModel =
  | { readonly kind: "const"; readonly value: KeyValue }
  /** `present`: there is a value, only which is not known. */
  | { readonly kind: "doubtful"; readonly doubt: DoubtId; readonly present?: boolean }
  /** It holds this, or nothing: which of them is a doubt. */
  | { readonly kind: "perhaps"; readonly value: KeyValue; readonly doubt: DoubtId }
  /** Part of the caller's (or the source's) identity. `list`: the key is multivalued and holds exactly this value. */
  | { readonly kind: "word"; readonly view: View; readonly list: boolean }
  | { readonly kind: "scalar" | "set"; readonly domain: Domain }
  /** The clock, at any time after now. */
  | { readonly kind: "time" };

/**
 * Where and when requests come from. `open`: from a network that the policy does not name, the way a stranger comes;
 * `any`: from named networks too.
 */
export interface Environment {
  readonly network: "open" | "any";
  /** Seconds since the epoch. */
  readonly now: number;
  /** `now`: at this time. `later`: at any later time. */
  readonly time: "now" | "later";
  /** The fixed networks that the documents name: values of network keys, and address ranges no wider than /8 or /32. */
  readonly fixed: ReadonlyMap<string, readonly string[]>;
  readonly ranges: readonly IpRange[];
}

interface ScalarOptions {
  readonly mayBeAbsent: boolean;
  readonly mayBePresent: boolean;
  readonly guess: string;
  readonly environment: Environment;
  readonly facts: KeyFacts;
}

/** Addresses that aws:SourceIp never holds: it is a public address. Source: RFC 1918, 1122, 3927, 4193, 4291. */
const PRIVATE_RANGES: readonly IpRange[] = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "224.0.0.0/3",
  "::/127",
  "fc00::/7",
  "fe80::/10",
  "ff00::/8",
].flatMap((t) => parseIpRange(t) ?? []);

/** No request shows an address as IPv4-mapped: it comes over IPv4 or over IPv6 (RFC 4291, 2.5.5.2). */
const MAPPED: readonly IpRange[] = [parseIpRange("::ffff:0:0/96")].flatMap((r) => r ?? []);

const IPV6: readonly IpRange[] = [parseIpRange("::/0")].flatMap((r) => r ?? []);

const EMPTY = literalGlob("");

/** Parameters of KMS requests: one of a list, or of one character at least. Source: KMS API reference (text of 2026). */
function neverEmpty({ name, origin, group }: ConditionKeyFacts): boolean {
  return origin === "request" && name.startsWith("kms:") && group !== "encryption-context";
}

/** The domain of a key that the search chooses. `shape`: the value must also match this. */
export function scalarModel(f: ConditionKeyFacts, o: ScalarOptions, shape?: Glob): KeyModel {
  const lower = f.name.toLowerCase();
  const env = o.environment;
  const network = f.origin === "network";
  const fixed = network && env.network === "open" ? (env.fixed.get(lower) ?? []) : [];
  const ranges: IpRange[] = f.type === "ip" ? [...MAPPED] : [];
  if (lower === "aws:sourceip") {
    ranges.push(...PRIVATE_RANGES);
    if (env.network === "open") ranges.push(...env.ranges);
  }
  // The private IPv4 address of an instance (IAM User Guide, "AWS global condition context keys", text of 2026).
  if (lower === "aws:ec2instancesourceprivateipv4") ranges.push(...IPV6);
  const domain: Domain = {
    type: f.type,
    mayBeAbsent: o.mayBeAbsent,
    mayBePresent: o.mayBePresent,
    guess: o.guess,
    excludedGlobs: neverEmpty(f) ? [EMPTY] : fixed.map((v) => plainGlob(v)),
    excludedRanges: ranges,
    ...(shape === undefined ? {} : { shape }),
    ...(lower === "kms:requestalias" ? { form: { prefix: "alias/", segment: ALIAS_SEGMENT } } : {}),
    ...(lower === "aws:tokenissuetime" && env.time === "now" ? { latest: env.now } : {}),
  };
  return { kind: f.multivalued ? "set" : "scalar", domain };
}

/** What a key holds where it is a fact about the KMS key or its account; undefined for other keys. */
export function constantModel(f: ConditionKeyFacts, key: string, facts: KeyFacts): KeyModel | undefined {
  if (f.origin !== "key") return undefined;
  const known = (value: string | readonly string[] | undefined): KeyModel =>
    value === undefined
      ? { kind: "doubtful", doubt: "key-fact-unknown", present: true }
      : { kind: "const", value };
  switch (f.name) {
    case "aws:ResourceAccount":
      return known(facts.account);
    case "aws:RequestedRegion":
      return known(facts.region);
    case "aws:ResourceOrgID":
    case "aws:ResourceOrgPaths": {
      const o = facts.organization;
      if (o.kind === "absent") return { kind: "const", value: undefined };
      if (o.kind !== "present") return { kind: "doubtful", doubt: "organization-unknown" };
      if (f.name === "aws:ResourceOrgID") return known(o.value.id);
      return o.value.path === undefined
        ? { kind: "doubtful", doubt: "organization-unknown", present: true }
        : known([o.value.path]);
    }
    case "kms:KeyOrigin":
      return known(facts.origin);
    case "kms:KeySpec":
    case "kms:CustomerMasterKeySpec":
      return known(facts.spec);
    case "kms:KeyUsage":
    case "kms:CustomerMasterKeyUsage":
      return known(facts.usage);
    case "kms:MultiRegion":
      return known(facts.multiRegion === undefined ? undefined : String(facts.multiRegion));
    case "kms:MultiRegionKeyType":
      if (facts.multiRegionKeyType !== undefined) return known(facts.multiRegionKeyType);
      if (facts.multiRegion === false) return { kind: "const", value: undefined };
      return { kind: "doubtful", doubt: "key-fact-unknown", present: facts.multiRegion === true };
    case "kms:ResourceAliases":
      if (facts.aliases === undefined) return { kind: "doubtful", doubt: "key-fact-unknown" };
      if (facts.aliases.length === 0) return { kind: "const", value: undefined };
      return { kind: "perhaps", value: facts.aliases, doubt: "aliases-in-key-policy" };
    case "aws:ResourceTag/": {
      if (facts.tags === undefined) return { kind: "doubtful", doubt: "key-fact-unknown" };
      const tag = key.slice("aws:resourcetag/".length);
      const hit = Object.entries(facts.tags).find(([k]) => k.toLowerCase() === tag);
      return { kind: "const", value: hit?.[1] };
    }
    default:
      return undefined;
  }
}

/** The clock: a constant, or any later time. Source: IAM User Guide, aws:CurrentTime and aws:EpochTime. */
export function timeModel(keyLower: string, env: Environment): KeyModel {
  if (env.time === "later") return { kind: "time" };
  return { kind: "const", value: timeText(keyLower, env.now) };
}

/** A time as the key holds it. */
export function timeText(keyLower: string, seconds: number): string {
  return keyLower === "aws:epochtime" ? String(Math.floor(seconds)) : formatDate(seconds);
}
