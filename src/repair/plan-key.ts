import type { KeyRecord } from "../domain/key.js";
import { workOut } from "./candidate.js";
import { keyChange, somebodyMay } from "./key-change.js";
import { REVOKE_GRANT } from "./managers.js";
import type { Closed } from "./obligations.js";
import {
  disagreement,
  type KeyOutcome,
  type PlanContext,
  refusal,
  type Start,
  startOf,
  uneditablePolicy,
} from "./outcome.js";
import type { ObligationId, PlannedKey, Strategy } from "./plan-file.js";
import { isTrustedUse, seenPrincipals } from "./seen.js";
import { harm, type Tried, tryOut } from "./try-out.js";

/** Plans for one key. Pure; never throws for what stands in its documents. */
export function planKey(record: KeyRecord, x: PlanContext): KeyOutcome {
  const start = startOf(record, x);
  if (start.kind !== "start") return start;
  const { key, before } = start;
  const { exposure } = before;
  switch (exposure) {
    case "none":
      return unchanged(key, before, "nobody outside the zone of trust can use the key");
    case "unknown":
    case "invalid":
      return {
        kind: "refused",
        key: refusal(key, before, null, [], {
          reason:
            exposure === "invalid"
              ? "KMS would refuse the policy as it stands, so it is nobody's policy"
              : `who can use the key was not decided: ${before.obligation.details[0] ?? "see keyward explain"}`,
          next: `run keyward explain on the key, correct what it names by hand, then plan again`,
        }),
      };
    case "service":
    case "network":
    case "latent":
      if (!x.weak) {
        return unchanged(
          key,
          before,
          `the key is weak (${exposure}), not exposed; add --weak to plan for it`,
        );
      }
      break;
    case "public":
    case "external":
      break;
  }
  return uneditablePolicy(start) ?? choose(start, x);
}

function unchanged(key: PlannedKey, before: Closed, reason: string): KeyOutcome {
  return { kind: "unchanged", key: { key, exposure: before.exposure, reason } };
}

/** Tries the strategies, smallest change first, and takes the first that holds and breaks nothing that was seen. */
function choose(start: Start, x: PlanContext): KeyOutcome {
  const { subject, before, key } = start;
  const revoker = before.grants.size > 0 ? somebodyMay(REVOKE_GRANT, subject) : undefined;
  if (revoker !== undefined && revoker.disagreements.length > 0) return disagreement(key, revoker);
  if (revoker?.may === false) {
    const grants = [...before.grants].join(", ");
    const reason = `outsiders use the key by a grant (${grants}), and nobody of its account may revoke one`;
    const next = "have the grant retired by its retiring principal or its grantee, or the Deny changed";
    return { kind: "refused", key: refusal(key, before, null, [], { reason, next }) };
  }
  const seen = x.usage === undefined ? undefined : seenPrincipals(x.usage, x.trust);
  const tried: Tried[] = [];
  const texts = new Set<string>();
  for (const strategy of order(x)) {
    const last = x.strategy === "auto" || x.strategy === "remove" ? "remove" : undefined;
    const candidate = workOut(subject, before, strategy, last, seen);
    const id = JSON.stringify([candidate.documents.text, [...candidate.revoked]]);
    if (texts.has(id)) continue;
    texts.add(id);
    const result = tryOut(subject, candidate, x.usage);
    if (result.disagreements.length > 0) return disagreement(key, result);
    tried.push(result);
    if (result.failed === undefined && !result.broken.some((b) => b.trusted)) break;
  }
  const holding = tried.filter((t) => t.failed === undefined);
  const [best] = [...holding].sort((a, b) => harm(a) - harm(b) || strictness(a) - strictness(b));
  if (best === undefined) return refuse(key, before, tried);
  return keyChange(start, best, tried, x);
}

/**
 * Of two that may break as many uses the one that lets more of the zone stay: a use that cannot be replayed counts with
 * each of them, and only the wider one may still allow it.
 */
function strictness({ candidate }: Tried): number {
  return ["bound", "narrow", "remove"].indexOf(candidate.strategy);
}

/** Narrowing rests on what was seen: first where the evidence is whole, never without any. */
function order({ strategy, usage, trust }: PlanContext): readonly Strategy[] {
  if (strategy !== "auto") return [strategy];
  if (usage === undefined) return ["bound", "remove"];
  const used = usage.entries.some((e) => e.outcome.kind === "allowed" && isTrustedUse(e, trust));
  return used && usage.coverage.complete ? ["narrow", "bound", "remove"] : ["bound", "remove"];
}

function refuse(key: PlannedKey, before: Closed, tried: readonly Tried[]): KeyOutcome {
  const lockout = tried.find((t) => t.failed?.id === "manageable");
  const [first] = tried;
  const failed = (lockout ?? first)?.failed;
  const told = tried.map((t) => ({
    strategy: t.candidate.strategy,
    failed: t.failed?.id ?? null,
    why: [t.failed?.statement ?? "", ...(t.failed?.details ?? [])].join(" ").slice(0, 600),
  }));
  return {
    kind: "refused",
    key: refusal(key, before, failed?.id ?? null, told, {
      reason:
        lockout === undefined
          ? `no strategy does all that a plan has to show: ${failed?.statement ?? ""} ${failed?.details[0] ?? ""}`.trim()
          : `what closes the key would leave it without a manager: ${failed?.statement ?? ""}`,
      next: NEXT[failed?.id ?? "closed"],
    }),
  };
}

const NEXT: Readonly<Record<ObligationId, string>> = {
  closed:
    "run keyward explain on the key, and try --strategy remove; else write the policy by hand and compare with keyward diff",
  "nothing-gained": "write the policy by hand and compare it with keyward diff",
  manageable:
    "add a statement that allows kms:* to the root of the key's account first (AWS Support can, where nobody may), or choose --strategy bound",
  storable: "shorten or correct the policy by hand, then scan and plan again",
  "use-kept": "extend keyward.yaml, or choose another --strategy",
};
