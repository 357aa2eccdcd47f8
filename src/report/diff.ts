import type { Change, Difference, Gains } from "../access/diff.js";
import type { Reach, Who } from "../access/matrix.js";
import type { Doubt } from "../domain/verdict.js";
import { callerArn } from "../semantics/arn.js";
import { knownContext, deriveContext } from "../semantics/derive-context.js";
import type { KeyDocument, Source } from "../semantics/request.js";

export const DIFF_SCHEMA = "keyward.diff/1";

/** How a key differs between the two sides. */
export const KEY_CHANGES = ["changed", "unchanged", "added", "removed"] as const;
export type KeyChange = (typeof KEY_CHANGES)[number];

/** One change as the JSON result has it. */
export interface DiffChange {
  readonly who: Who;
  readonly trusted: boolean;
  readonly source: Source;
  readonly before: Change["before"];
  readonly capabilities: readonly string[];
  readonly actions: readonly string[];
  readonly certainty: Change["certainty"];
  readonly doubts: readonly Doubt[];
  readonly reach: Reach;
  readonly witness: {
    readonly principal: string;
    readonly action: string;
    readonly context: Readonly<Record<string, string | readonly string[]>>;
  };
}

/** One direction. */
export interface DiffGains {
  readonly verdict: Gains["verdict"];
  readonly changes: readonly DiffChange[];
  readonly undecided: readonly {
    readonly who: Who | null;
    readonly source: Source | null;
    readonly reason: string;
  }[];
}

/** One key of the result. */
export interface KeyDiff {
  readonly arn: string;
  readonly change: KeyChange;
  /** `same`: proved, whatever the texts look like. */
  readonly meaning: "same" | "different" | "unknown";
  /** Whether the documents differ in any byte. */
  readonly textChanged: boolean;
  /** Facts that differ, by name. */
  readonly facts: readonly string[];
  readonly gained: DiffGains;
  readonly lost: DiffGains;
}

/** Counts over all keys, those that are not listed too. */
export interface DiffSummary {
  readonly keys: number;
  readonly unchanged: number;
  readonly changed: number;
  readonly added: number;
  readonly removed: number;
  readonly sameMeaning: number;
  readonly gained: number;
  readonly lost: number;
  readonly unknown: number;
}

/** A comparison of the engine in the form of the result. `document`: of either side; only facts are read from it. */
export function keyDiff(
  about: Pick<KeyDiff, "arn" | "change" | "textChanged" | "facts">,
  { gained, lost, sameMeaning }: Difference,
  document: KeyDocument,
): KeyDiff {
  const different = gained.verdict === "something" || lost.verdict === "something";
  return {
    ...about,
    meaning: sameMeaning ? "same" : different ? "different" : "unknown",
    gained: diffGains(gained, document),
    lost: diffGains(lost, document),
  };
}

function diffGains(g: Gains, document: KeyDocument): DiffGains {
  return {
    verdict: g.verdict,
    changes: g.changes.map((c) => ({
      who: c.who,
      trusted: c.trusted,
      source: c.source,
      before: c.before,
      capabilities: c.capabilities,
      actions: c.actions,
      certainty: c.certainty,
      doubts: c.doubts,
      reach: c.reach,
      witness: {
        principal: callerArn(c.witness.request.caller),
        action: c.witness.request.action,
        context: knownContext(deriveContext(c.witness.request, document)),
      },
    })),
    undecided: g.undecided.map((u) => ({ who: u.who ?? null, source: u.source ?? null, reason: u.reason })),
  };
}
