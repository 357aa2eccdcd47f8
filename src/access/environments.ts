import type { KeyFacts } from "../domain/key.js";
import type { Policy } from "../policy/ast.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import { type IpRange, parseIpRange } from "./typed.js";

/** The networks that documents name. */
export interface NamedNetworks {
  /** Values of network keys without wildcards, by key in lower case. */
  readonly fixed: ReadonlyMap<string, readonly string[]>;
  /** Address ranges that count as fixed: no wider than /8 (IPv4) or /32 (IPv6), as S3 draws the line for "public". */
  readonly ranges: readonly IpRange[];
  readonly any: boolean;
  /** A condition on the clock occurs. */
  readonly time: boolean;
}

/** Whether a value holds a variable for the clock. */
function asksForClock(value: string): boolean {
  return value.includes("${") && /\$\{\s*aws:(currenttime|epochtime)\b/i.test(value);
}

/** A value in which variables that are facts about the key are replaced. */
function withConstants(value: string, facts: KeyFacts): string {
  const organization = facts.organization.kind === "present" ? facts.organization.value.id : undefined;
  const known: Readonly<Record<string, string | undefined>> = {
    "aws:resourceaccount": facts.account,
    "aws:resourceorgid": organization,
    "aws:requestedregion": facts.region,
  };
  return value.replace(
    /\$\{\s*([^\s,'}]+)[^}]*\}/g,
    (whole, name: string) => known[name.toLowerCase()] ?? whole,
  );
}

/**
 * Whether a pattern fixes whose network it is: the account of a VPC's ARN, or the organization of an endpoint's path. No
 * part of a VPC's ARN has a colon in it, so wildcards before the account cannot stand for more than their part.
 */
function fixesOwner(key: string, pattern: string): boolean {
  if (key === "aws:vpceorgpaths") return /^o-[a-z0-9]{10,32}\//.test(pattern);
  return key === "aws:sourcevpcarn" && /^arn:[^:]*:[^:]*:[^:]*:[0-9]{12}:/.test(pattern);
}

/** Collects the networks that conditions name. Source of the widths: S3 User Guide, "The meaning of public". */
export function environmentFacts(policies: readonly Policy[], facts: KeyFacts): NamedNetworks {
  const fixed = new Map<string, string[]>();
  const ranges: IpRange[] = [];
  let any = false;
  let time = false;
  for (const p of policies) {
    for (const s of p.statements) {
      for (const c of s.conditions) {
        const f = conditionKeyFacts(c.keyLower);
        // Credentials can be issued as late as the request is made.
        if (f?.origin === "time" || c.keyLower === "aws:tokenissuetime") time = true;
        else time ||= c.values.some(asksForClock);
        if (f?.origin !== "network") continue;
        any = true;
        // A private address can be had in anybody's network: it fixes nothing.
        if (c.keyLower === "aws:vpcsourceip") continue;
        const variables = p.version === "2012-10-17";
        for (const value of c.values) {
          const v = variables && value.includes("${") ? withConstants(value, facts) : value;
          if (c.keyLower === "aws:sourceip") {
            const r = parseIpRange(v);
            if (r !== undefined && r.prefix >= (r.family === 4 ? 8 : 32)) ranges.push(r);
          } else if (!/[*?]/.test(v)) {
            const list = fixed.get(c.keyLower);
            if (list === undefined) fixed.set(c.keyLower, [v]);
            else list.push(v);
          } else if (fixesOwner(c.keyLower, v)) {
            const list = fixed.get(c.keyLower);
            if (list === undefined) fixed.set(c.keyLower, [v]);
            else list.push(v);
          }
        }
      }
    }
  }
  return { fixed, ranges, any, time };
}
