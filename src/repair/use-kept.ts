import { evaluate } from "../semantics/evaluate.js";
import type { KeyDocument } from "../semantics/request.js";
import type { ObservedKeyUsage, UsageEntry } from "../usage/types.js";
import { type OwnSide, sameStatements } from "./managers.js";
import { keyDocument, type Proof } from "./obligations.js";
import { principalText, requestOf } from "./observed.js";
import type { Obligation, PlannedUse } from "./plan-file.js";
import { isTrustedUse } from "./seen.js";
import type { TrustContext } from "./trust.js";

/** What came of the observed uses under new documents. */
interface UseCheck {
  /** Uses of the zone that were allowed and surely still are, as often as they were seen. */
  readonly kept: number;
  /** Everything else, those of outsiders included. */
  readonly broken: readonly PlannedUse[];
}

/** By what observed uses are judged. */
interface UseBench {
  readonly trust: TrustContext;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Users and roles of the key's account; undefined: nobody read them. */
  readonly own?: OwnSide | undefined;
}

/**
 * Asks the reference about every observed use, under the old and the new documents. What cannot be told for sure is
 * counted as broken: CloudTrail does not show addresses, tags, values of an encryption context; IAM policies count where they were read.
 */
function checkUses(
  usage: ObservedKeyUsage,
  older: KeyDocument,
  newer: KeyDocument,
  bench: UseBench,
): UseCheck {
  const { trust: x, now } = bench;
  let kept = 0;
  const broken: PlannedUse[] = [];
  for (const entry of usage.entries) {
    if (entry.outcome.kind !== "allowed") continue;
    const trusted = isTrustedUse(entry, x);
    const why = trusted ? whyBroken(entry, older, newer, bench) : whyOutsider(entry, newer, x, now);
    if (why === undefined) kept += trusted ? 1 : 0;
    else {
      broken.push({
        principal: principalText(entry.principal, x.facts.partition),
        account: entry.account ?? null,
        via: entry.via ?? null,
        action: entry.action,
        contextKeys: [...entry.contextKeys],
        count: entry.count,
        firstSeen: entry.firstSeen,
        lastSeen: entry.lastSeen,
        trusted,
        why,
      });
    }
  }
  return { kept, broken };
}

function whyOutsider(
  entry: UsageEntry,
  newer: KeyDocument,
  x: TrustContext,
  now: number,
): string | undefined {
  const request = requestOf(entry, x, now, true);
  if (request !== undefined && evaluate(request, newer).outcome === "allow") return undefined;
  return "outside the zone of trust: shut out on purpose";
}

function whyBroken(
  entry: UsageEntry,
  older: KeyDocument,
  newer: KeyDocument,
  { trust: x, now, own }: UseBench,
): string | undefined {
  const bare = requestOf(entry, x, now, false);
  const helped = requestOf(entry, x, now, true);
  if (bare === undefined || helped === undefined)
    return "who called cannot be told, so whether the call still works cannot either";
  if (evaluate(bare, newer).outcome === "allow") return undefined;
  const before = evaluate(helped, older);
  const after = evaluate(helped, newer);
  if (after.outcome === "allow") {
    // By the root of its account, or by the policies of another one: as before, if it was so before.
    if (evaluate(bare, older).outcome !== "allow") return undefined;
    return whyIam(entry, newer, own);
  }
  if (entry.principal.kind === "service") {
    return "allowed only if the service sends a source that the new conditions name, which CloudTrail does not show";
  }
  if (before.outcome === "allow") return "nothing in the new policy allows it";
  // Under the old documents, too, the request lacks something that CloudTrail does not show.
  return sameSources(before.sources, after.sources) && before.outcome === after.outcome
    ? touched(entry, older, newer)
    : "whether it is still allowed depends on what CloudTrail does not show";
}

/** A use that will rest on the caller's IAM policies: what they say to it, where they were read. */
function whyIam(entry: UsageEntry, newer: KeyDocument, own: OwnSide | undefined): string | undefined {
  const unread = "allowed only if its own IAM policies allow it, which were not read";
  const { principal } = entry;
  if (own === undefined || (principal.kind !== "role" && principal.kind !== "user")) return unread;
  const found = own.analysis.iam.principals.find((p) => p.arn === principal.arn);
  if (found === undefined) {
    return own.analysis.iam.state.kind === "complete"
      ? "its own IAM policies would have to allow it from then on, and it is not among the users and roles that were read"
      : unread;
  }
  const uses = own.analysis.usesOf(found, newer).filter((u) => u.actions.includes(entry.action));
  if (uses.some((u) => u.ifPermitted === "certain")) return undefined;
  return uses.length > 0
    ? "its own IAM policies would have to allow it from then on, and they do so only under conditions"
    : "its own IAM policies would have to allow it from then on, and they do not";
}

function sameSources(a: readonly unknown[], b: readonly unknown[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A use that cannot be replayed is safe only where nothing that covers its action was changed. */
function touched(entry: UsageEntry, older: KeyDocument, newer: KeyDocument): string | undefined {
  return sameStatements(older.policy, newer.policy, entry.action) &&
    JSON.stringify(older.grants) === JSON.stringify(newer.grants)
    ? undefined
    : "whether it is still allowed depends on what CloudTrail does not show";
}

/** The obligation about observed use, and what breaks. */
export function proveUse(
  proof: Proof,
  usage: ObservedKeyUsage | undefined,
): { readonly obligation: Obligation; readonly broken: readonly PlannedUse[] } {
  if (usage === undefined) {
    return {
      broken: [],
      obligation: {
        id: "use-kept",
        result: "stated",
        statement: "There is no evidence of use: who uses the key, and would be shut out, is not known.",
        details: ["Give it with --usage FILE; keyward usage makes one from CloudTrail."],
      },
    };
  }
  const { kept, broken } = checkUses(
    usage,
    keyDocument(proof.record, proof.older),
    keyDocument(proof.record, proof.newer),
    proof,
  );
  const zone = broken.filter((b) => b.trusted);
  const { coverage } = usage;
  const details = [
    ...(zone.length > 0 ? [`${zone.length} observed uses are listed under willBreak.`] : []),
    ...coverage.caveats,
  ];
  return {
    broken,
    obligation: {
      id: "use-kept",
      result: zone.length === 0 && coverage.complete ? "proved" : "stated",
      statement:
        zone.length + kept === 0
          ? "No use by the zone of trust was observed."
          : zone.length === 0
            ? `All observed uses by the zone of trust are still allowed (${kept}).`
            : `${kept} observed uses by the zone of trust are still allowed, ${zone.length} may not be.`,
      details,
    },
  };
}
