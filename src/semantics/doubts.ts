import type { Doubt } from "../domain/verdict.js";

/**
 * The rules of AWS that are documented badly, in contradiction or not at all, and the things that keyward does not
 * understand. An answer that rests on one of the first kind is "possible" instead of "certain"; one that rests on the
 * second kind is "unknown". Both engines name doubts from this table alone; docs/doubts.md is written from it.
 */
export const DOUBTS = {
  "everyone-includes-services":
    "AWS documents that * covers service principals in a Deny; for an Allow it is assumed, not documented.",
  "service-name-case":
    "Whether the name of a service principal with capital letters is taken for the one in lower case is not documented.",
  "set-operator-missing":
    "A multivalued key without ForAllValues or ForAnyValue: AWS does not document what happens at run time.",
  "for-any-value-if-exists": "ForAnyValue with IfExists on an absent key is not documented.",
  "empty-value-list": "An empty list of condition values is documented in two contradicting ways.",
  "null-set-data":
    "ForAllValues on a value that resolves to an empty string is documented as true, without detail.",
  "not-principal-allow":
    "NotPrincipal with Allow is called unsupported by AWS since 2026; it used to mean everybody else.",
  "not-principal-deny-account":
    "Whether NotPrincipal with Deny spares a principal of which only the account, or only the principal without its account, is listed is not documented.",
  "arn-operator-non-arn":
    "An ARN operator with a value that is no ARN (such as a bare *) has no documented result.",
  "wrong-type-value": "A negated operator on a value of the wrong type has no documented result.",
  "mapped-address":
    "Whether a range of IPv4-mapped IPv6 addresses covers the IPv4 addresses that it stands for is not documented.",
  "variable-wildcard":
    "Whether a * inside the value of a policy variable acts as a wildcard is not documented.",
  "grant-root-grantee":
    "Whether a grant to the root of another account needs IAM policies there is not documented; it can be used in any case.",
  "grant-without-identity":
    "That a grant suffices across accounts without an identity policy follows from the KMS guide's wording only.",
  "grant-context-key-case":
    "The KMS guide and the API reference disagree on whether the keys of a grant's encryption context are compared with case.",
  "unique-id-account": "The account of a unique principal id cannot be seen from the id.",
  "attested-parent-account":
    "PCR3 and PCR4 of an enclave fix the IAM role or the instance of its parent, whose account cannot be seen from the hash.",
  "unique-id-length":
    "Unique ids of users and roles have had 21 characters so far; AWS documents that they may have 16 to 128.",
  "key-arn-resource": "That a key ARN other than this key's in Resource has no effect is not spelled out.",
  "rcp-service-linked-role": "Resource control policies do not bind service-linked roles.",
  "foreign-root-user":
    "What the root user of another account may do without a policy there is not documented.",
  "refused-principal": "A principal form that KMS refuses to store; whom it would name is not defined.",
  "grant-limits":
    "Whether a permissions boundary or session policy that does not mention an action limits a grant is not documented.",
  "grants-unread": "The grants of the key were not read; one of them may allow the request.",
  "caller-fact-unknown":
    "A fact about the caller that the policy tests was not given, such as its unique id or the path of its role.",
  "request-open":
    "The question was asked for every request of a kind, and what the request holds decides: see the conditions.",
  "refused-statement": "A statement that KMS would refuse to store; what it would do is not defined.",
  "source-arn-colon":
    "A resource of somebody else whose ARN has the wanted text behind a colon would pass; whether such a name exists depends on the service.",
  "undocumented-value":
    "A condition asks for a value that AWS does not document: no request has it today, as far as is known.",
  "mfa-of-session":
    "What aws:MultiFactorAuthPresent and aws:MultiFactorAuthAge hold for sessions of roles and of federated users is documented in contradicting ways.",
  "sts-key":
    "Condition keys of AWS STS belong to requests to assume a role; that KMS requests never carry them is not spelled out.",
  "aliases-in-key-policy":
    "kms:ResourceAliases is documented for IAM policies only; what it holds in a key policy is not.",
  "organization-unknown": "The organization of the key's account is not known.",
  "key-fact-unknown": "A fact about the key that the policy tests was not read.",
  "denial-not-understood":
    "A resource control policy has a part that keyward does not understand; it may deny this.",
  "service-control-unread":
    "Service control policies above the caller's account were not all read; one of them may take this away.",
  "unknown-condition-key": "A condition key that keyward does not know: misspelt, or newer than its table.",
  "not-understood": "A part of the policy that keyward does not understand.",
} as const;
export type DoubtId = keyof typeof DOUBTS;

/** Doubts about the input rather than about AWS: an exposure that rests on one is `unknown`. */
export const INPUT_DOUBTS: ReadonlySet<string> = new Set<DoubtId>([
  "unknown-condition-key",
  "not-understood",
]);

/** Doubts about what KMS would refuse to store: an exposure that rests on one is `invalid`. */
export const REFUSED_DOUBTS: ReadonlySet<string> = new Set<DoubtId>([
  "refused-principal",
  "refused-statement",
]);

/** The doubt of this id. */
export function doubt(id: DoubtId): Doubt {
  return { id, text: DOUBTS[id] };
}
