import type { ObservedKeyUsage, UsageEntry } from "../usage/types.js";
import { principalName } from "./observed.js";
import type { PlannedEvidence } from "./plan-file.js";
import { FOR_RESOURCES, neededTogether } from "./services.js";
import { isTrustedAccount, type TrustContext } from "./trust.js";

/** A principal of the zone that was seen, and what it needs. */
export interface SeenPrincipal {
  readonly arn: string;
  readonly actions: readonly string[];
  /** Grants that a service made in its name: kms:GrantIsForAWSResource holds for them. */
  readonly forResources: readonly string[];
}

/** The principals of the zone that were allowed to use the key, each with the operations that it needs. */
export function seenPrincipals(usage: ObservedKeyUsage, x: TrustContext): readonly SeenPrincipal[] {
  const found = new Map<string, { actions: Set<string>; forResources: Set<string> }>();
  for (const entry of usage.entries) {
    if (entry.outcome.kind !== "allowed" || !isTrustedUse(entry, x)) continue;
    const arn = principalName(entry.principal, x.facts.partition);
    if (arn === undefined) continue;
    const its = found.get(arn) ?? { actions: new Set(), forResources: new Set() };
    found.set(arn, its);
    const needed = entry.via === undefined ? [entry.action] : neededTogether(entry.action, entry.via);
    for (const action of needed) {
      if (entry.via === undefined || !FOR_RESOURCES.includes(action)) its.actions.add(action);
      else for (const a of FOR_RESOURCES) its.forResources.add(a);
    }
  }
  return [...found].map(([arn, { actions, forResources }]) => ({
    arn,
    actions: [...actions].sort(),
    forResources: [...forResources].sort(),
  }));
}

/**
 * Whether the caller of an observed use belongs to the zone. A service acts on behalf of whoever; it counts as own, and
 * so does a caller whose account the event does not tell: what breaks for it must not be taken for what is meant.
 */
export function isTrustedUse(entry: UsageEntry, x: TrustContext): boolean {
  const { principal } = entry;
  if (principal.kind === "service") return true;
  if ("arn" in principal && x.zone.principals.includes(principal.arn)) return true;
  const account = "account" in principal ? principal.account : entry.account;
  return account === undefined || isTrustedAccount(account, x);
}

/** What the evidence of a key covers, for the plan. */
export function evidenceOf(usage: ObservedKeyUsage): PlannedEvidence {
  const { coverage } = usage;
  return {
    from: coverage.span?.from ?? null,
    to: coverage.span?.to ?? null,
    complete: coverage.complete,
    caveats: [...coverage.caveats],
    entries: usage.entries.length,
  };
}
