import { createPatch } from "diff";
import type { Grant } from "../domain/grant.js";
import type { ActionName } from "../domain/ids.js";
import type { KeyRecord } from "../domain/key.js";
import { POLICY_QUOTA_BYTES } from "../policy/parse.js";
import { untaken } from "./characters.js";
import { grantsDigest, textDigest } from "./digest.js";
import { managedBy } from "./managed-by.js";
import { CREATE_GRANT, disagreementOf, findManager } from "./managers.js";
import { type Closed, type Documents, proveClosed, type Subject } from "./obligations.js";
import { disagreement, type KeyOutcome, type PlanContext, type Start } from "./outcome.js";
import type { KeyChange, PlannedPolicy, PlannedRevocation } from "./plan-file.js";
import { evidenceOf } from "./seen.js";
import type { Tried } from "./try-out.js";

/** Whether somebody of the key's account, as far as is known, may revoke or create a grant under the old policy. */
export function somebodyMay(
  action: ActionName,
  { record, older, trust, now, own }: Subject,
): { readonly may: boolean; readonly disagreements: readonly string[] } {
  const { organizationOf } = trust;
  const exists = (): boolean => true;
  const found = findManager(older.text, { record, organizationOf, now, own, exists, action });
  const bug = disagreementOf(found);
  return { may: found.kind !== "nobody", disagreements: bug === undefined ? [] : [bug] };
}

/** A rollback puts the old policy back first, so it is that one that has to let a grant be made again. */
function revocations(grants: readonly Grant[], mayCreate: boolean): PlannedRevocation[] {
  const lost = mayCreate ? [] : [NEVER_AGAIN];
  return grants.map((g) => {
    const planned = revocation(g);
    return { ...planned, notRestorable: [...lost, ...planned.notRestorable] };
  });
}

const NEVER_AGAIN =
  "the grant itself: under the old policy nobody of the key's account may create one, so a rollback cannot make it anew";

/** The outcome for a key whose change was found: its entry of a plan, with what was shown about it and why this strategy. */
export function keyChange(
  { subject, before, key }: Start,
  best: Tried,
  tried: readonly Tried[],
  x: PlanContext,
): KeyOutcome {
  const { candidate, compared, obligations, broken } = best;
  const { older, record } = subject;
  const policy = plannedPolicy(older.text, candidate.documents.text);
  const others = tried.filter((t) => t !== best);
  const excepted = withoutExceptions(subject, candidate.documents, x);
  const revoked = older.grants.filter((g) => candidate.revoked.has(g.GrantId));
  const creator = revoked.length > 0 ? somebodyMay(CREATE_GRANT, subject) : undefined;
  const disagreements = [...(excepted?.disagreements ?? []), ...(creator?.disagreements ?? [])];
  if (disagreements.length > 0) return disagreement(key, { disagreements });
  const change: KeyChange = {
    key,
    computedFrom: computedFrom(record, older),
    exposure: { before: before.exposure, after: excepted?.exposure ?? candidate.closed.exposure },
    strategy: candidate.strategy,
    reason: whyThis(best, others, policy !== null, x),
    statements: [...candidate.statements],
    policy,
    revokeGrants: revocations(revoked, creator?.may ?? true),
    loses: [...(compared?.loses ?? [])],
    gains: [...(compared?.gains ?? [])],
    obligations: obligations.map((o) => (o.id === "closed" ? (excepted?.obligation ?? o) : o)),
    willBreak: [...broken],
    evidence: x.usage === undefined ? null : evidenceOf(x.usage),
    managedBy: policy === null ? null : managedBy(record.facts.tags, policy.text),
    notes: [...notesOf(record, policy, candidate.orphans), ...characterNotes(older.text, policy?.text)],
  };
  return { kind: "change", change };
}

/** The result by the zone alone, where exceptions let somebody stay whom it does not hold. */
function withoutExceptions(
  subject: Subject,
  documents: Documents,
  { zoneWithoutExceptions: zone }: PlanContext,
): Closed | undefined {
  if (zone === undefined) return undefined;
  const bare = proveClosed({ ...subject, newer: documents, trust: { ...subject.trust, zone } }, documents);
  if (bare.exposure === "none" && bare.disagreements.length === 0) return undefined;
  const statement = `Nobody outside the zone of trust is left but those whom exceptions let stay: ${bare.exposure}.`;
  return { ...bare, obligation: { ...bare.obligation, result: "stated", statement } };
}

/** What must still be so when the plan is applied. */
export function computedFrom(record: KeyRecord, older: Documents): KeyChange["computedFrom"] {
  return {
    policySha256: textDigest(older.text),
    grantsSha256: record.grants.kind === "present" ? grantsDigest(older.grants) : null,
  };
}

/** The new policy; null where nothing of it changes. */
export function plannedPolicy(older: string, newer: string): PlannedPolicy | null {
  if (older === newer) return null;
  return {
    text: newer,
    sha256: textDigest(newer),
    bytes: new TextEncoder().encode(newer).length,
    quota: POLICY_QUOTA_BYTES,
    diff: createPatch("key-policy.json", older, newer, "now", "planned", { context: 3 }),
  };
}

function whyThis(best: Tried, others: readonly Tried[], policyChanges: boolean, x: PlanContext): string {
  if (x.strategy !== "auto" && policyChanges) return `asked for: ${x.strategy}`;
  if (others.length === 0) {
    const closes = policyChanges
      ? "the smallest change that closes the key"
      : "revoking grants closes the key";
    return x.usage === undefined ? closes : `${closes} and breaks no use that was seen`;
  }
  const said = others.map(
    (t) =>
      `${t.candidate.strategy} ${t.failed === undefined ? `would break ${t.broken.filter((b) => b.trusted).length} observed uses` : `fails "${t.failed.id}"`}`,
  );
  if (x.usage === undefined) return `the smallest change that holds; ${said.join(", ")}`;
  const zone = best.broken.filter((b) => b.trusted).length;
  return `${zone === 0 ? "it breaks no use that was seen" : `it breaks the fewest uses that were seen (${zone})`}; ${said.join(", ")}`;
}

/** What a new grant cannot bring back. Source: KMS API reference, CreateGrant. */
function revocation(g: Grant): PlannedRevocation {
  const { EncryptionContextEquals: equals, EncryptionContextSubset: subset, SourceArn } = g.Constraints ?? {};
  return {
    grantId: g.GrantId,
    grantee: g.GranteePrincipal ?? g.GranteeServicePrincipal ?? "",
    operations: [...(g.Operations ?? [])],
    name: g.Name ?? null,
    issuingAccount: g.IssuingAccount ?? null,
    retiringPrincipal: g.RetiringPrincipal ?? g.RetiringServicePrincipal ?? null,
    constraints: {
      ...(equals === undefined ? {} : { EncryptionContextEquals: { ...equals } }),
      ...(subset === undefined ? {} : { EncryptionContextSubset: { ...subset } }),
      ...(SourceArn === undefined ? {} : { SourceArn }),
    },
    reason: "it lets somebody outside the zone of trust use the key",
    notRestorable: [
      `the grant id ${g.GrantId}: a new grant has another one`,
      "grant tokens that were given out with it",
      "its creation date and, if another principal made it, its issuing account",
    ],
  };
}

/** What is to be known where the old text is none that KMS takes: what the plan did about it, and what a rollback needs. */
export function characterNotes(older: string, newer: string | undefined): string[] {
  if (newer === undefined) return [];
  const refused = untaken(older);
  const some = `${refused.slice(0, 5).join(", ")}${refused.length > 5 ? ", …" : ""}`;
  const notes: string[] = [];
  if (refused.length > 0) {
    notes.push(
      `The old policy holds characters that KMS does not take (${some}). The planned one has them as JSON escapes, which mean the same; the old one cannot be put back as it stands. For a rollback write them so in a copy of its backup, and put that: keyward rollback --policy FILE.`,
    );
  }
  return notes;
}

function notesOf(record: KeyRecord, policy: PlannedPolicy | null, orphans: ReadonlySet<string>): string[] {
  const notes: string[] = [];
  if (orphans.size > 0) {
    notes.push(
      `The old policy names deleted principals (${[...orphans].slice(0, 5).join(", ")}), and KMS takes it with them no more: a rollback puts it back without them (keyward rollback --without-missing).`,
    );
  }
  if (record.grants.kind === "absent") {
    notes.push("The policy came from a file, which says nothing of grants: look at those of the live key.");
  }
  if (record.facts.multiRegion === true && policy !== null) {
    notes.push(
      "Copies of a multi-Region key in other Regions have policies of their own; plan for each of them.",
    );
  }
  return notes;
}
