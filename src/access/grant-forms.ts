import type { Grant } from "../domain/grant.js";
import type { KeyFacts } from "../domain/key.js";
import { actionFacts } from "../semantics/actions.js";
import { doubt } from "../semantics/doubts.js";
import type { Undecided } from "./matrix.js";
import { granteeEntry } from "./mentions.js";

/**
 * Each grant with one grantee. AWS lets a grant name a principal or a service; one that names both lets both in, rather
 * than that one of them is passed over. Source: KMS API reference, CreateGrant.
 */
export function separated(grants: readonly Grant[]): readonly Grant[] {
  return grants.flatMap((grant) => {
    const { GranteePrincipal, GranteeServicePrincipal, ...rest } = grant;
    if (GranteePrincipal === undefined || GranteeServicePrincipal === undefined) return [grant];
    return [
      { ...rest, GranteePrincipal },
      { ...rest, GranteeServicePrincipal },
    ];
  });
}

/** Whether an operation of a grant is one that this version knows, as AWS writes it. */
export function isKnownOperation(operation: string): boolean {
  const facts = actionFacts(`kms:${operation}`);
  return facts?.grantable === true && facts.name === `kms:${operation}`;
}

/**
 * What of grants cannot be decided at all: whom they are for, and operations that AWS may have added since, unless the
 * grantee is of the key's own account.
 */
export function undecidedGrants(grants: readonly Grant[], facts: KeyFacts): readonly Undecided[] {
  return grants.flatMap((grant) => {
    const source = { kind: "grant", grantId: grant.GrantId } as const;
    const open = (reason: string, about: "key-fact-unknown" | "not-understood"): Undecided[] => [
      { who: undefined, source, reason, doubts: [doubt(about)] },
    ];
    if (grant.GranteePrincipal === undefined && grant.GranteeServicePrincipal === undefined) {
      return open("the grant does not say whom it is for", "key-fact-unknown");
    }
    const entry = granteeEntry(grant);
    if (entry !== undefined && isOfOtherPartition(entry, facts)) {
      return open(
        "the grant names a principal of another partition, and accounts do not span partitions",
        "not-understood",
      );
    }
    const own = entry !== undefined && "account" in entry && entry.account === facts.account;
    const strange = grant.Operations?.find((operation) => !isKnownOperation(operation));
    return own || strange === undefined
      ? []
      : open(
          `the grant permits an operation that this version of keyward does not know: ${strange}`,
          "not-understood",
        );
  });
}

/** Twelve bare digits, unique ids and services belong to no partition. */
export function isOfOtherPartition(entry: object, facts: KeyFacts): boolean {
  return "partition" in entry && entry.partition !== undefined && entry.partition !== facts.partition;
}
