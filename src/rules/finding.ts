import type { Who } from "../access/matrix.js";
import type { RuleId } from "../domain/rule-id.js";
import type { Capability, Certainty, Doubt, Exposure, Severity, Verdict } from "../domain/verdict.js";

/** The part of the key's documents that a finding rests on. Lines and columns start at 1. */
export type FindingSource =
  | {
      readonly kind: "statement";
      /** Position in the `Statement` list, from 0. */
      readonly index: number;
      /** Attacker-controlled text; null where the statement has none. */
      readonly sid: string | null;
      readonly line?: number;
      readonly column?: number;
    }
  | { readonly kind: "grant"; readonly grantId: string }
  /** The policy as a whole, or a place in it that belongs to no statement. */
  | { readonly kind: "policy"; readonly line?: number; readonly column?: number }
  /** The grants as a whole. */
  | { readonly kind: "grants" }
  /** Another Region's copy of a multi-Region key. */
  | { readonly kind: "key"; readonly arn: string }
  /** A user or role of IAM, and its policy that does it; null: its trust policy. */
  | {
      readonly kind: "identity";
      readonly arn: string;
      readonly policy: string | null;
      /** ARNs of the roles that are assumed one from the other; `arn` is the last. */
      readonly path?: readonly string[];
      /** How each role of the way is assumed, from the outsider on. */
      readonly steps?: readonly RoleStep[];
    };

/** That a role is assumed with sts:AssumeRole or its like, by the outsider or by the role before. */
export interface RoleStep {
  /** The ARN of the role that is assumed. */
  readonly role: string;
  readonly certain: boolean;
  /** The statement of its trust policy that lets in, from 0. */
  readonly trustStatement: number;
  /** Names or ARNs of the policies of the role before that allow it. Foreign text. */
  readonly policies: readonly string[];
}

/**
 * A class of callers. `name` of an account or principal: who a public list says the account belongs to (a service has
 * its own name there). A hint for readers; it decides nothing and makes nobody trusted.
 */
export type FindingWho = Who & { readonly name?: string };

/** A condition that a request has to meet, as it stands in the policy. */
export interface FindingCondition {
  /** With qualifier and IfExists, e.g. `ForAnyValue:StringLikeIfExists`. */
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
  /** What it is worth: `free`: an outsider meets it at will; `path`: by going through a service of their own. */
  readonly kind: "fixed-network" | "free" | "path" | "time" | "caller" | "source";
}

/** The concrete request that proves a finding, with every condition key that it carries. */
export interface FindingWitness {
  /** ARN of the caller, or the name of the service that calls. */
  readonly principal: string;
  readonly action: string;
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

/** An exception of keyward.yaml that covers a finding. */
export interface Waiver {
  readonly reason: string;
  readonly owner: string;
  /** YYYY-MM-DD; the last day on which it holds (UTC). */
  readonly expires: string;
}

/** One thing that is wrong with one key, through one statement or grant. */
export interface Finding {
  /** Stable across runs: made of the key, the rule, who, and what it goes through. */
  readonly id: string;
  readonly rule: RuleId;
  readonly severity: Severity;
  /** What this finding alone makes of the key; `none` for hygiene. */
  readonly exposure: Exposure;
  readonly certainty: Certainty;
  /** Null where the finding is about nobody in particular. */
  readonly who: FindingWho | null;
  readonly capabilities: readonly Capability[];
  readonly actions: readonly string[];
  readonly source: FindingSource;
  readonly conditions: readonly FindingCondition[];
  readonly witness: FindingWitness | null;
  /** One sentence: what is the matter. */
  readonly reason: string;
  /** One sentence: what to do. */
  readonly remedy: string;
  readonly doubts: readonly Doubt[];
  readonly waiver: Waiver | null;
}

/** Everything that is said about one key. */
export interface KeyReport {
  readonly arn: string;
  readonly accountId: string;
  readonly region: string;
  readonly aliases: readonly string[];
  /** The file that the key was read from, where it was no snapshot. */
  readonly file?: string;
  /** `null`: not known. */
  readonly state: string | null;
  readonly verdict: Verdict;
  readonly exposure: Exposure;
  /**
   * Everything that keeps the key from being clear is covered by exceptions. The verdict stays what it is: an
   * exception never hides; it only keeps the exit code from failing.
   */
  readonly waived: boolean;
  /** Worst first. */
  readonly findings: readonly Finding[];
}
