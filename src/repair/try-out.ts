import type { ObservedKeyUsage } from "../usage/types.js";
import type { Candidate } from "./candidate.js";
import { proveManageable } from "./manageable.js";
import { type Compared, type Proof, proveGains, proveStorable, type Subject } from "./obligations.js";
import type { Obligation, PlannedUse } from "./plan-file.js";
import { proveUse } from "./use-kept.js";

/** A candidate with what was shown about it. */
export interface Tried {
  readonly candidate: Candidate;
  readonly obligations: readonly Obligation[];
  readonly compared: Compared | undefined;
  readonly broken: readonly PlannedUse[];
  readonly failed: Obligation | undefined;
  /** Of all its proofs. Not empty: a bug in keyward, and nothing here may be relied on. */
  readonly disagreements: readonly string[];
}

/** Proves what a plan has to show of a candidate. What comes after a failure is not looked at any more. */
export function tryOut(subject: Subject, candidate: Candidate, usage: ObservedKeyUsage | undefined): Tried {
  const { documents, closed } = candidate;
  const full: Proof = { ...subject, newer: documents };
  const { organizationOf } = subject.trust;
  const manageable = proveManageable({ ...full, organizationOf });
  const obligations: Obligation[] = [closed.obligation, manageable.obligation];
  const done = (compared: Compared | undefined, broken: readonly PlannedUse[]): Tried => ({
    candidate,
    obligations,
    compared,
    broken,
    disagreements: [
      ...candidate.disagreements,
      ...manageable.disagreements,
      ...(compared?.disagreements ?? []),
    ],
    // The worst first: that nobody could manage the key any more.
    failed:
      obligations.find((o) => o.id === "manageable" && o.result === "failed") ??
      obligations.find((o) => o.result === "failed"),
  });
  if (documents.text !== subject.older.text) obligations.push(proveStorable(subject.record, documents.text));
  if (obligations.some((o) => o.result === "failed")) return done(undefined, []);
  const compared = proveGains(full, (change) =>
    change.who.kind === "unresolved" && candidate.orphans.has(change.who.id)
      ? `A Deny on the id ${change.who.id} went with it: KMS shows an id in place of a principal that was deleted.`
      : undefined,
  );
  obligations.push(compared.obligation);
  const { broken, obligation } = proveUse(full, usage);
  obligations.push(obligation);
  return done(compared, broken);
}

/** How bad a candidate is that holds: whom it leaves in counts more than any number of uses that it breaks. */
export function harm(t: Tried): number {
  const stated = t.obligations.some((o) => o.id === "closed" && o.result === "stated") ? 1e6 : 0;
  return stated + t.broken.filter((b) => b.trusted).length;
}
