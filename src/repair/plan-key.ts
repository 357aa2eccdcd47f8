import { createPatch } from "diff";
import type { Grant } from "../domain/grant.js";
import type { ActionName } from "../domain/ids.js";
import type { KeyRecord } from "../domain/key.js";
import type { Zone } from "../domain/zone.js";
import { POLICY_QUOTA_BYTES } from "../policy/parse.js";
import type { ObservedKeyUsage } from "../usage/types.js";
import { type Candidate, workOut } from "./candidate.js";
import { grantsDigest, textDigest } from "./digest.js";
import { uneditable } from "./editable.js";
import { managedBy } from "./managed-by.js";
import {
  type Closed,
  type Compared,
  type Documents,
  keyDocument,
  type Proof,
  proveClosed,
  proveGains,
  proveStorable,
} from "./obligations.js";
import { proveManageable } from "./manageable.js";
import { CREATE_GRANT, findManager, type OwnSide, REVOKE_GRANT } from "./managers.js";
import type {
  KeyChange,
  Obligation,
  ObligationId,
  PlannedKey,
  PlannedPolicy,
  PlannedRevocation,
  PlannedUse,
  RefusedKey,
  Strategy,
  StrategyChoice,
  UnchangedKey,
} from "./plan-file.js";
import { checkUses, evidenceOf, isTrustedUse, seenPrincipals } from "./seen.js";
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
  | { readonly kind: "disagreement"; readonly arn: string; readonly details: readonly string[] };

/** Plans for one key. Pure; never throws for what stands in its documents. */
export function planKey(record: KeyRecord, x: PlanContext): KeyOutcome {
  const key = plannedKey(record, x.file);
  if (record.manager === "AWS") return unchangeable(key);
  const early = unplannable(record, key);
  if (early !== undefined) return { kind: "refused", key: early };
  if (record.policy.kind !== "present") throw new Error("an unread policy was let through");
  const older: Documents = { text: record.policy.value, grants: grantsOf(record) };
  const proof = { record, trust: x.trust, now: x.now, older, own: x.own };
  const before = proveClosed({ ...proof, newer: older }, older);
  if (before.disagreements.length > 0) {
    return { kind: "disagreement", arn: key.arn, details: before.disagreements };
  }
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
  const problem = uneditablePolicy(record, before, key);
  return problem === undefined ? choose(proof, before, key, x) : { kind: "refused", key: problem };
}

/** The refusal of a key whose policy no edit is safe in; undefined: its text can be edited. */
export function uneditablePolicy(
  { policy, facts }: KeyRecord,
  before: Closed,
  key: PlannedKey,
): RefusedKey | undefined {
  const problem = policy.kind === "present" ? uneditable(policy.value, facts.partition) : undefined;
  if (problem === undefined) return undefined;
  const reason = `no change of the policy's text would be safe: ${problem}`;
  return refusal(key, before, null, [], {
    reason,
    next: "correct the policy by hand, then scan and plan again",
  });
}

/** A key that AWS manages: its policy cannot be put. */
export function unchangeable(key: PlannedKey): KeyOutcome {
  const reason = "AWS manages the key, and nobody else can change its policy; use a key of your own instead";
  return { kind: "unchanged", key: { key, exposure: "unknown", reason } };
}

function unchanged(key: PlannedKey, before: Closed, reason: string): KeyOutcome {
  return { kind: "unchanged", key: { key, exposure: before.exposure, reason } };
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
export function grantsOf(record: KeyRecord): readonly Grant[] {
  return record.grants.kind === "present" ? record.grants.value : [];
}

/** Keys of which too little is known, or that nobody can change. */
export function unplannable(record: KeyRecord, key: PlannedKey): RefusedKey | undefined {
  const no = (reason: string, next: string): RefusedKey => ({
    key,
    exposure: "unknown",
    kind: "unplanned",
    obligation: null,
    reason,
    next,
    tried: [],
  });
  if (record.policy.kind !== "present") {
    return no("the key policy was not read", "scan again with kms:GetKeyPolicy on the key");
  }
  if (record.grants.kind === "unreadable" || record.grants.kind === "unknown") {
    return no(
      "the grants of the key were not read, so nothing can be shown about the key",
      "scan again with kms:ListGrants on the key",
    );
  }
  return undefined;
}

interface Tried {
  readonly candidate: Candidate;
  readonly obligations: readonly Obligation[];
  readonly compared: Compared | undefined;
  readonly broken: readonly PlannedUse[];
  readonly failed: Obligation | undefined;
}

/** Tries the strategies, smallest change first, and takes the first that holds and breaks nothing that was seen. */
function choose(proof: Omit<Proof, "newer">, before: Closed, key: PlannedKey, x: PlanContext): KeyOutcome {
  if (before.grants.size > 0 && !somebodyMay(REVOKE_GRANT, proof, x)) {
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
    const candidate = workOut(proof, before, strategy, last, seen);
    const id = JSON.stringify([candidate.documents.text, [...candidate.revoked]]);
    if (texts.has(id)) continue;
    texts.add(id);
    const result = show(proof, candidate, x);
    tried.push(result);
    if (result.failed === undefined && !result.broken.some((b) => b.trusted)) break;
  }
  const holding = tried.filter((t) => t.failed === undefined);
  const [best] = [...holding].sort((a, b) => breaks(a) - breaks(b));
  if (best === undefined) return refuse(key, before, tried);
  return { kind: "change", change: keyChange(proof, before, key, best, tried, x) };
}

/** Whether somebody of the key's account, as far as is known, may revoke or create a grant under the old policy. */
function somebodyMay(
  action: ActionName,
  { record, older }: Omit<Proof, "newer">,
  { trust, now, own }: PlanContext,
): boolean {
  const { organizationOf } = trust;
  const exists = (): boolean => true;
  return findManager(older.text, { record, organizationOf, now, own, exists, action }).kind !== "nobody";
}

/** A rollback puts the old policy back first, so it is that one that has to let a grant be made again. */
function revocations(
  grants: readonly Grant[],
  proof: Omit<Proof, "newer">,
  x: PlanContext,
): PlannedRevocation[] {
  if (grants.length === 0) return [];
  const lost = somebodyMay(CREATE_GRANT, proof, x) ? [] : [NEVER_AGAIN];
  return grants.map((g) => {
    const planned = revocation(g);
    return { ...planned, notRestorable: [...lost, ...planned.notRestorable] };
  });
}

const NEVER_AGAIN =
  "the grant itself: under the old policy nobody of the key's account may create one, so a rollback cannot make it anew";

function breaks(t: Tried): number {
  const stated = t.obligations.some((o) => o.id === "closed" && o.result === "stated") ? 1e6 : 0;
  return stated + t.broken.filter((b) => b.trusted).length;
}

/** Narrowing rests on what was seen: first where the evidence is whole, never without any. */
function order({ strategy, usage, trust }: PlanContext): readonly Strategy[] {
  if (strategy !== "auto") return [strategy];
  if (usage === undefined) return ["bound", "remove"];
  const used = usage.entries.some((e) => e.outcome.kind === "allowed" && isTrustedUse(e, trust));
  return used && usage.coverage.complete ? ["narrow", "bound", "remove"] : ["bound", "remove"];
}

function show(proof: Omit<Proof, "newer">, candidate: Candidate, x: PlanContext): Tried {
  const { documents, closed } = candidate;
  const full: Proof = { ...proof, newer: documents };
  const { organizationOf } = x.trust;
  const obligations: Obligation[] = [closed.obligation, proveManageable({ ...full, organizationOf })];
  const done = (compared: Compared | undefined, broken: readonly PlannedUse[]): Tried => ({
    candidate,
    obligations,
    compared,
    broken,
    // The worst first: that nobody could manage the key any more.
    failed:
      obligations.find((o) => o.id === "manageable" && o.result === "failed") ??
      obligations.find((o) => o.result === "failed"),
  });
  if (documents.text !== proof.older.text) obligations.push(proveStorable(proof.record, documents.text));
  if (obligations.some((o) => o.result === "failed")) return done(undefined, []);
  const compared = proveGains(full, (change) =>
    change.who.kind === "unresolved" && candidate.orphans.has(change.who.id)
      ? `A Deny on the id ${change.who.id} went with it: KMS shows an id in place of a principal that was deleted.`
      : undefined,
  );
  obligations.push(compared.obligation);
  const { broken, obligation } = uses(full, x);
  obligations.push(obligation);
  return done(compared, broken);
}

/** The obligation about observed use, and what breaks. */
export function uses(
  proof: Proof,
  x: Pick<PlanContext, "usage" | "trust" | "now" | "own">,
): { readonly obligation: Obligation; readonly broken: readonly PlannedUse[] } {
  if (x.usage === undefined) {
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
    x.usage,
    keyDocument(proof.record, proof.older),
    keyDocument(proof.record, proof.newer),
    x,
  );
  const zone = broken.filter((b) => b.trusted);
  const { coverage } = x.usage;
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

function refusal(
  key: PlannedKey,
  before: Closed,
  obligation: ObligationId | null,
  tried: RefusedKey["tried"],
  words: { readonly reason: string; readonly next: string },
): RefusedKey {
  const kind = obligation === "manageable" ? "safety" : "unplanned";
  return { key, exposure: before.exposure, kind, obligation, ...words, tried };
}

function keyChange(
  proof: Omit<Proof, "newer">,
  before: Closed,
  key: PlannedKey,
  best: Tried,
  tried: readonly Tried[],
  x: PlanContext,
): KeyChange {
  const { candidate, compared, obligations, broken } = best;
  const { older, record } = proof;
  const policy = plannedPolicy(older.text, candidate.documents.text);
  const others = tried.filter((t) => t !== best);
  const excepted = withoutExceptions(proof, candidate.documents, x);
  return {
    key,
    computedFrom: computedFrom(record, older),
    exposure: { before: before.exposure, after: excepted?.exposure ?? candidate.closed.exposure },
    strategy: candidate.strategy,
    reason: whyThis(best, others, policy !== null, x),
    statements: [...candidate.statements],
    policy,
    revokeGrants: revocations(
      older.grants.filter((g) => candidate.revoked.has(g.GrantId)),
      proof,
      x,
    ),
    loses: [...(compared?.loses ?? [])],
    gains: [...(compared?.gains ?? [])],
    obligations: obligations.map((o) => (o.id === "closed" ? (excepted?.obligation ?? o) : o)),
    willBreak: [...broken],
    evidence: x.usage === undefined ? null : evidenceOf(x.usage),
    managedBy: policy === null ? null : managedBy(record.facts.tags, policy.text),
    notes: notesOf(record, policy, candidate.orphans),
  };
}

/** The result by the zone alone, where exceptions let somebody stay whom it does not hold. */
function withoutExceptions(
  proof: Omit<Proof, "newer">,
  documents: Documents,
  { zoneWithoutExceptions: zone }: PlanContext,
): Closed | undefined {
  if (zone === undefined) return undefined;
  const bare = proveClosed({ ...proof, newer: documents, trust: { ...proof.trust, zone } }, documents);
  if (bare.exposure === "none") return undefined;
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
