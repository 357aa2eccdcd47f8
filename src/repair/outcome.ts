import type { Grant } from "../domain/grant.js";
import type { KeyRecord } from "../domain/key.js";
import type { Zone } from "../domain/zone.js";
import type { ObservedKeyUsage } from "../usage/types.js";
import { uneditable } from "./editable.js";
import type { OwnSide } from "./managers.js";
import { type Closed, type Documents, proveClosed, type Subject } from "./obligations.js";
import type {
  KeyChange,
  ObligationId,
  PlannedKey,
  RefusedKey,
  StrategyChoice,
  UnchangedKey,
} from "./plan-file.js";
import type { TrustContext } from "./trust.js";

/** What a plan for one key depends on beside the key. */
export interface PlanContext {
  readonly trust: TrustContext;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly strategy: StrategyChoice;
  /** Undefined: there is no evidence of use. */
  readonly usage: ObservedKeyUsage | undefined;
  /** Plan for keys that are weak (confused deputies, networks, latent access), too. */
  readonly weak: boolean;
  /** Users and roles of the key's account; undefined: nobody read them. */
  readonly own?: OwnSide | undefined;
  /** The policy file that stands for the key. */
  readonly file?: string;
  /** Where exceptions let somebody stay: the zone without them, by which the result is told. */
  readonly zoneWithoutExceptions?: Zone;
}

export type KeyOutcome =
  | { readonly kind: "change"; readonly change: KeyChange }
  | { readonly kind: "unchanged"; readonly key: UnchangedKey }
  | { readonly kind: "refused"; readonly key: RefusedKey }
  /** keyward's engines disagree: a bug, and nothing about the key may be relied on. */
  | { readonly kind: "disagreement"; readonly key: RefusedKey; readonly details: readonly string[] };

/** The outcome for a key in one of whose proofs the engines disagreed. */
export function disagreement(
  key: PlannedKey,
  { disagreements }: { readonly disagreements: readonly string[] },
): KeyOutcome {
  const reason =
    "keyward's two engines disagree about the key: a bug, and nothing that it says of the key may be relied on";
  return {
    kind: "disagreement",
    key: {
      key,
      exposure: "unknown",
      kind: "unplanned",
      obligation: null,
      reason,
      next: "please report it, and look at the key by hand",
      tried: [],
    },
    details: [...new Set(disagreements)],
  };
}

/** A key that can be planned for, with what it is now. */
export interface Start {
  readonly kind: "start";
  readonly key: PlannedKey;
  readonly subject: Subject;
  readonly before: Closed;
}

/** Looks at a key before anything is planned for it; an outcome where nothing can be. */
export function startOf(record: KeyRecord, { trust, now, own, file }: PlanContext): Start | KeyOutcome {
  const key = plannedKey(record, file);
  if (record.manager === "AWS") {
    const reason =
      "AWS manages the key, and nobody else can change its policy; use a key of your own instead";
    return { kind: "unchanged", key: { key, exposure: "unknown", reason } };
  }
  if (record.policy.kind !== "present") {
    return unread(key, "the key policy was not read", "scan again with kms:GetKeyPolicy on the key");
  }
  if (record.grants.kind === "unreadable" || record.grants.kind === "unknown") {
    const reason = "the grants of the key were not read, so nothing can be shown about the key";
    return unread(key, reason, "scan again with kms:ListGrants on the key");
  }
  const older: Documents = { text: record.policy.value, grants: grantsOf(record) };
  const subject: Subject = { record, trust, now, older, own };
  const before = proveClosed({ ...subject, newer: older }, older);
  return before.disagreements.length > 0
    ? disagreement(key, before)
    : { kind: "start", key, subject, before };
}

/** A key as a plan names it. */
export function plannedKey(record: KeyRecord, file: string | undefined): PlannedKey {
  const { facts } = record;
  return {
    arn: facts.arn,
    aliases: [...(facts.aliases ?? [])],
    state: facts.state ?? null,
    ...(file === undefined ? {} : { file }),
  };
}

/** The grants of a key; a policy file has none. */
function grantsOf(record: KeyRecord): readonly Grant[] {
  return record.grants.kind === "present" ? record.grants.value : [];
}

function unread(key: PlannedKey, reason: string, next: string): KeyOutcome {
  return {
    kind: "refused",
    key: { key, exposure: "unknown", kind: "unplanned", obligation: null, reason, next, tried: [] },
  };
}

/** An entry of a plan for a key that is not changed although it would need to be. */
export function refusal(
  key: PlannedKey,
  before: Closed,
  obligation: ObligationId | null,
  tried: RefusedKey["tried"],
  words: { readonly reason: string; readonly next: string },
): RefusedKey {
  const kind = obligation === "manageable" ? "safety" : "unplanned";
  return { key, exposure: before.exposure, kind, obligation, ...words, tried };
}

/** The refusal of a key whose policy no edit is safe in; undefined: its text can be edited. */
export function uneditablePolicy({ key, before, subject }: Start): KeyOutcome | undefined {
  const problem = uneditable(subject.older.text, subject.record.facts.partition);
  if (problem === undefined) return undefined;
  const reason = `no change of the policy's text would be safe: ${problem}`;
  const next = "correct the policy by hand, then scan and plan again";
  return { kind: "refused", key: refusal(key, before, null, [], { reason, next }) };
}
