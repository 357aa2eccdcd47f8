/**
 * What keyward promises, a sentence each. Tests that hold a promise carry its id (see guarantee.ts); docs/guarantees.md
 * is written from both, and a test fails where the three do not agree.
 */
export const GUARANTEES = {
  "witness-allowed":
    "Every request that keyward shows as proof is allowed by the reference: surely where the finding is certain, and denied nowhere.",
  "witness-replayable":
    "What a finding shows of its proof (principal, action, condition keys) is complete: evaluated on its own, the request gets in.",
  "allowed-is-covered":
    "Whatever the reference allows to a caller outside the zone of trust is covered by the access matrix, with the same certainty, and the key is not called clear.",
  narrowing: "To add a Deny, or to take away an Allow or a grant, never gives anybody access.",
  "damage-is-not-clear":
    "A policy that cannot be read, or a part of it that is malformed, wherever it stands, never leads to the verdict clear.",
  "unknown-is-not-safe":
    "A condition on a key or with an operator that keyward does not know makes no key safer: it may fail to open an Allow, or to close anything as a Deny.",
  "unread-is-not-clear": "A key whose policy or grants could not be read is never called clear.",
  order:
    "The order of statements, of the values in lists, of the members of objects and of grants changes nothing: verdict, exposure, findings and their ids stay (statements told apart by Sid or content).",
  "case-ignored":
    "Letter case changes nothing where AWS ignores it: in action names and in names of condition keys, those of tags and the encryption context included.",
  "case-minded":
    "Letter case counts where AWS minds it: in names of principals, in values of operators without IgnoreCase, in Effect and in the names of elements.",
  renaming:
    "Other account ids, put consistently in place of the old ones, give the same answer with the other ids (where no pattern selects ids).",
  "unrelated-trust":
    "To trust an account that has nothing to do with a key changes nothing about it for the worse.",
  "wider-trust": "To trust more never adds exposure.",
  "dead-keys":
    "A key that is disabled or about to be deleted is never clear where the enabled one is exposed.",
  "who-exactly":
    "Findings name exactly the accounts, organizations, principals, patterns and services that get in, not those that a Deny or a condition shuts out.",
  "hand-derived":
    "Cases worked out by hand from AWS's documentation get the exposure that was worked out, with a proof.",
  "doubts-decide":
    "Where AWS documents a rule badly, the answer is possible and names the doubt, and only where the doubt decides.",
  "changes-close":
    "A change that explain proposes closes the key: the changed policy was analysed before it is shown.",
  "diff-is-sound":
    "keyward diff never says that nobody gains where the reference newly allows a request, and every request that it shows replays.",
  "repair-closes":
    "Under a policy and grants that keyward has planned nobody outside the zone of trust gets in (exceptions of keyward.yaml aside); a key for which that cannot be had is refused, with the reason.",
  "repair-gains-nothing": "A planned change allows no request that was not allowed before.",
  "repair-keeps-manager":
    "A planned change leaves somebody of the key's own account who exists and may change its policy again, and asks no more of them than before. Where that rests on what is not known, the plan says so; apply does not take the plan's word for it.",
  "repair-tells-what-breaks":
    "An observed use by the zone of trust stays allowed, or the plan lists it as one that will break.",
  "bound-takes-nothing":
    "Bounding a statement to the zone of trust takes nothing from users and roles of the zone.",
  "repair-keeps-text":
    "Statements that a plan keeps stay in the new policy as they were written, byte for byte.",
  "drift-is-left":
    "A key that somebody has changed since it was looked at is left as it is, as far as reading it right before the write can tell.",
  "backup-first":
    "No key is written before its backup is on the disk, whatever instant keyward is killed at, and a run that was killed can be gone on with or rolled back.",
  "rollback-is-exact":
    "A rollback brings policies back byte for byte (but for ids of deleted principals, which KMS refuses, where the user says to leave them out), and revoked grants with the same terms.",
} as const;
export type GuaranteeId = keyof typeof GUARANTEES;
