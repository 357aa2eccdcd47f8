import type { DiagnosticLevel } from "./ast.js";

/** What a diagnostic code means, and how bad it is. */
export interface CodeFacts {
  readonly level: DiagnosticLevel;
  /** One sentence. */
  readonly meaning: string;
  /** Refused today, but policies that were stored before can still have it, and what it means is known. */
  readonly storedBefore?: true;
}

/**
 * Every code that the parser can give. Codes are stable: reports and exceptions name them.
 *
 * Sources: IAM User Guide, "Grammar of the IAM JSON policy language", "Condition operators", "Principal", and the
 * Access Analyzer policy check reference; KMS API reference, PutKeyPolicy; KMS Developer Guide, "Key policies in AWS KMS".
 */
export const DIAGNOSTIC_CODES = {
  // No AST.
  "json-syntax": { level: "malformed", meaning: "The text is not JSON." },
  "too-large": { level: "malformed", meaning: "The text is longer than the KMS API can carry." },
  "too-deep": { level: "malformed", meaning: "The text nests deeper than any policy does." },
  "not-an-object": { level: "malformed", meaning: "The JSON value is not an object." },

  // Understood, but KMS would not store it.
  "byte-order-mark": { level: "refused", meaning: "The text starts with a byte order mark." },
  characters: { level: "refused", meaning: "The text holds characters that PutKeyPolicy does not accept." },
  "duplicate-member": { level: "refused", meaning: "An object has two members of the same name." },
  "duplicate-condition-key": {
    level: "refused",
    meaning: "One condition operator tests the same key twice, in different letter case.",
  },
  "unknown-element": { level: "refused", meaning: "The policy language has no element of this name." },
  "wrong-type": {
    level: "refused",
    meaning: "An element has a JSON type that the policy language does not allow.",
  },
  "unknown-version": { level: "refused", meaning: "There is no such version of the policy language." },
  "no-statement": { level: "refused", meaning: "The policy has no statement." },
  "no-effect": { level: "refused", meaning: "A statement has no Effect." },
  "unknown-effect": { level: "refused", meaning: "An Effect is neither Allow nor Deny." },
  "exclusive-elements": { level: "refused", meaning: "A statement has both an element and its Not form." },
  "no-principal": { level: "refused", meaning: "A statement that needs a principal names none." },
  "principal-not-allowed": { level: "refused", meaning: "This kind of policy has no Principal element." },
  "rcp-element": {
    level: "refused",
    meaning: "A resource control policy cannot have this element or principal.",
  },
  "element-required": { level: "refused", meaning: "This kind of policy needs an Action and a Resource." },
  "principal-kind": { level: "refused", meaning: "A principal is of a kind that key policies do not have." },
  "principal-form": {
    level: "refused",
    meaning: "A principal is written in a form that names nobody in AWS.",
  },
  "principal-wildcard": { level: "refused", meaning: "A principal has a wildcard inside an ARN or a name." },
  "principal-group": { level: "refused", meaning: "A group is named, which is no principal." },
  "principal-partition": {
    level: "refused",
    meaning: "A principal belongs to another partition than the key.",
  },
  "null-if-exists": { level: "refused", meaning: "The Null operator has no IfExists form." },
  "overly-permissive-condition": {
    level: "refused",
    meaning:
      "ForAllValues with kms:EncryptionContext: or aws:RequestTag/ is refused by KMS when a policy is stored.",
    storedBefore: true,
  },

  // Not understood.
  "unknown-operator": { level: "not-understood", meaning: "There is no condition operator of this name." },
  "ambiguous-document": {
    level: "not-understood",
    meaning: "Which of several readings of the whole policy is meant cannot be told.",
  },
  "empty-not-list": {
    level: "not-understood",
    meaning:
      "An empty NotAction, NotResource or NotPrincipal: AWS does not document whether it matches everything.",
  },
  "action-prefix-wildcard": {
    level: "not-understood",
    meaning: "An action has a wildcard in its service prefix, for which AWS documents no meaning.",
  },

  // Understood and accepted, but it does not do what it seems to.
  "operator-case": {
    level: "warning",
    meaning: "A condition operator is not in the letter case that AWS documents.",
  },
  "policy-long": {
    level: "warning",
    meaning: "The policy is longer than the default quota for key policies.",
  },
  "version-old": { level: "warning", meaning: "The policy has no Version, or the old one of 2008." },
  "duplicate-sid": { level: "warning", meaning: "Two statements have the same Sid." },
  "no-action": { level: "warning", meaning: "A statement has no action and so no effect." },
  "no-resource": { level: "warning", meaning: "A statement has no resource and so no effect." },
  "not-principal-allow": {
    level: "warning",
    meaning: "NotPrincipal with Allow, which AWS calls unsupported.",
  },
  "not-principal-deny": {
    level: "warning",
    meaning: "NotPrincipal with Deny also denies the listed principals in cases that are easy to miss.",
  },
  "service-name": { level: "warning", meaning: "A service principal has an unusual name." },
  "unique-id": { level: "warning", meaning: "A principal is a unique id: its user or role was deleted." },
  "action-no-prefix": { level: "warning", meaning: "An action has no service prefix and matches nothing." },
  "action-other-service": {
    level: "warning",
    meaning: "An action of another service matches nothing on a key.",
  },
  "action-no-permission": { level: "warning", meaning: "An action is no permission, and matches nothing." },
  "action-not-on-key": { level: "warning", meaning: "An action has no effect in a key policy." },
  "resource-alias": { level: "warning", meaning: "An alias ARN names the alias, never the key behind it." },
  "resource-other": {
    level: "warning",
    meaning: "A resource is no key, so the statement does not reach this key.",
  },
  "variable-old-version": {
    level: "warning",
    meaning: "A policy variable under the 2008 version of the language is literal text.",
  },
  "variable-unsupported": {
    level: "warning",
    meaning: "A policy variable under an operator that replaces none.",
  },
  "wildcard-literal": { level: "warning", meaning: "A wildcard under an operator that compares it as text." },
  "if-exists": { level: "warning", meaning: "IfExists lets requests through that do not carry the key." },
  "for-all-values": {
    level: "warning",
    meaning: "ForAllValues lets requests through that do not carry the key.",
  },
  "negated-allow": {
    level: "warning",
    meaning: "A negated operator in an Allow lets requests through that do not carry the key.",
  },
  "deny-for-any-value": {
    level: "warning",
    meaning: "ForAnyValue with a negated operator in a Deny spares requests that do not carry the key.",
  },
  "null-qualifier": {
    level: "warning",
    meaning: "Null with ForAllValues always holds, with ForAnyValue never.",
  },
  "contradicting-values": {
    level: "warning",
    meaning: "Bool or Null with both values holds for every value.",
  },
  "value-type": {
    level: "warning",
    meaning: "A condition value is not of the type that its operator compares.",
  },
  "value-never": {
    level: "warning",
    meaning: "A condition key never has the value that it is compared with.",
  },
  "empty-values": { level: "warning", meaning: "A condition key with an empty list of values." },
  "condition-key-form": {
    level: "warning",
    meaning: "A condition key without a service prefix is in no request.",
  },
  "key-policy-key": {
    level: "warning",
    meaning: "A condition key that AWS documents for IAM policies only.",
  },
} as const satisfies Record<string, CodeFacts>;

export type DiagnosticCode = keyof typeof DIAGNOSTIC_CODES;
