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

/** Collects the networks that conditions name. Source of the widths: S3 User Guide, "The meaning of public". */
export function environmentFacts(policies: readonly Policy[]): NamedNetworks {
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
        for (const v of c.values) {
          if (c.keyLower === "aws:sourceip") {
            const r = parseIpRange(v);
            if (r !== undefined && r.prefix >= (r.family === 4 ? 8 : 32)) ranges.push(r);
          } else if (!/[*?]/.test(v)) {
            const list = fixed.get(c.keyLower);
            if (list === undefined) fixed.set(c.keyLower, [v]);
            else list.push(v);
          } else if (c.keyLower === "aws:sourcevpcarn" || c.keyLower === "aws:vpceorgpaths") {
            // A pattern that fixes the account or the organization fixes whose network it is.
            if (/^arn:[^*?]*:[0-9]{12}:|^o-[a-z0-9]{10,32}\//.test(v)) {
              const list = fixed.get(c.keyLower);
              if (list === undefined) fixed.set(c.keyLower, [v]);
              else list.push(v);
            }
          }
        }
      }
    }
  }
  return { fixed, ranges, any, time };
}
