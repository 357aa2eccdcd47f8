import type { AccountId } from "../domain/ids.js";

/**
 * A policy document after parsing: closed, immutable, and nothing in it is text that still has to be understood.
 * Source of the grammar: IAM User Guide, "Grammar of the IAM JSON policy language".
 */
export interface Policy {
  /** As written; `undefined` where it is absent, which AWS reads as 2008-10-17. */
  readonly version: "2012-10-17" | "2008-10-17" | undefined;
  readonly id: string | undefined;
  readonly statements: readonly Statement[];
}

/** A place in the JSON text: member names and array indexes from the root. */
export type JsonPath = readonly (string | number)[];

export interface Statement {
  /** Position in the `Statement` list, from 0. */
  readonly index: number;
  /** Attacker-controlled text. */
  readonly sid: string | undefined;
  readonly effect: "Allow" | "Deny";
  readonly principal: PrincipalElement;
  readonly action: PatternElement;
  readonly resource: PatternElement;
  /** All must hold. Empty: unconditional. */
  readonly conditions: readonly Condition[];
  readonly path: JsonPath;
}

/** `Principal` or `NotPrincipal`. `missing` is legal only in identity policies and SCPs. */
export type PrincipalElement =
  | { readonly kind: "missing" }
  | { readonly kind: "principal" | "not-principal"; readonly entries: readonly PrincipalEntry[] };

/** One principal of a policy, resolved to what it names. Names of users and roles include their path. */
export type PrincipalEntry =
  | { readonly kind: "everyone"; readonly text: string }
  /** `arn:P:iam::A:root` or twelve digits: everything in the account (not only its root user). */
  | {
      readonly kind: "account";
      readonly text: string;
      readonly account: AccountId;
      readonly partition: string | undefined;
    }
  | {
      readonly kind: "user" | "role";
      readonly text: string;
      readonly account: AccountId;
      readonly partition: string;
      /** `path/name` without the leading slash, e.g. `team/blue/App`. */
      readonly name: string;
    }
  /** `arn:P:sts::A:assumed-role/ROLE/SESSION`; ROLE carries no path. */
  | {
      readonly kind: "session";
      readonly text: string;
      readonly account: AccountId;
      readonly partition: string;
      readonly role: string;
      readonly session: string;
    }
  | {
      readonly kind: "federated-user";
      readonly text: string;
      readonly account: AccountId;
      readonly partition: string;
      readonly name: string;
    }
  /** `AIDA…`, `AROA…`: what AWS shows after the user or role was deleted. Its account cannot be seen. */
  | { readonly kind: "unique-id"; readonly text: string; readonly id: string }
  | { readonly kind: "service"; readonly text: string; readonly name: string }
  /**
   * A form that KMS refuses to store: Federated, CanonicalUser, a group, a wildcard inside an ARN, another partition.
   * It may only be found in files. `reach` says whom a reader must fear it to name.
   */
  | {
      readonly kind: "refused";
      readonly text: string;
      readonly why: string;
      /** `nobody`: names no KMS caller. `unknown`: could name somebody outside (e.g. `arn:aws:iam::*:root`). */
      readonly reach: "nobody" | "unknown";
    };

/** `Action`/`NotAction` or `Resource`/`NotResource`: patterns with `*` and `?`. */
export type PatternElement =
  | { readonly kind: "missing" }
  | { readonly kind: "listed" | "not-listed"; readonly patterns: readonly string[] };

/** The operators of the condition language without qualifier and `IfExists`. */
export const OPERATORS = [
  "StringEquals",
  "StringNotEquals",
  "StringEqualsIgnoreCase",
  "StringNotEqualsIgnoreCase",
  "StringLike",
  "StringNotLike",
  "NumericEquals",
  "NumericNotEquals",
  "NumericLessThan",
  "NumericLessThanEquals",
  "NumericGreaterThan",
  "NumericGreaterThanEquals",
  "DateEquals",
  "DateNotEquals",
  "DateLessThan",
  "DateLessThanEquals",
  "DateGreaterThan",
  "DateGreaterThanEquals",
  "Bool",
  "BinaryEquals",
  "IpAddress",
  "NotIpAddress",
  "ArnEquals",
  "ArnNotEquals",
  "ArnLike",
  "ArnNotLike",
  "Null",
] as const;
export type Operator = (typeof OPERATORS)[number];

/** One key under one operator. Several values are alternatives (positive operators) or exclusions (negated ones). */
export interface Condition {
  readonly operator: Operator;
  readonly qualifier: "ForAllValues" | "ForAnyValue" | undefined;
  readonly ifExists: boolean;
  /** As written. */
  readonly key: string;
  /** Lower case: AWS compares key names without case. */
  readonly keyLower: string;
  /** Numbers and booleans are in their JSON spelling. May be empty. */
  readonly values: readonly string[];
  readonly path: JsonPath;
}

/** How bad a diagnostic is. */
export type DiagnosticLevel =
  /** Not a policy at all (bad JSON, wrong root): there is no AST. */
  | "malformed"
  /** Understood, but KMS would not store it. */
  | "refused"
  /** Not understood: any answer that depends on it is unknown. */
  | "not-understood"
  /** Understood and accepted, but it does not do what it seems to. */
  | "warning";

export interface Diagnostic {
  readonly level: DiagnosticLevel;
  /** Stable name, e.g. `duplicate-key`. */
  readonly code: string;
  readonly message: string;
  readonly path: JsonPath;
  /** The statement it belongs to, if it belongs to one. */
  readonly statement?: number;
  /** Character offset in the text where the parser already knows it (JSON syntax errors). */
  readonly offset?: number;
}

/** The parser's answer. `policy` is absent only with a `malformed` diagnostic. */
export interface ParsedPolicy {
  readonly policy: Policy | undefined;
  readonly diagnostics: readonly Diagnostic[];
}
