import type { Part } from "../access/analysis-input.js";
import type { AccessMatrix, Who, Witness } from "../access/matrix.js";
import type { KeyRecord } from "../domain/key.js";
import type { RuleId } from "../domain/rule-id.js";
import type { Capability, Certainty, Doubt, Exposure, Severity } from "../domain/verdict.js";
import type { Zone } from "../domain/zone.js";
import type { JsonPath, ParsedPolicy, Policy } from "../policy/ast.js";
import type { OrganizationOf } from "../trust/zone.js";
import type { FindingCondition, RoleStep } from "./finding.js";
import type { AccessGroup } from "./groups.js";
import type { IamView } from "./iam-view.js";

/** Everything that the rules of one key look at. */
export interface RuleInput {
  readonly record: KeyRecord;
  readonly parsed: ParsedPolicy;
  /** What callers outside the zone of trust can do: what the exposure is made of. */
  readonly outside: AccessMatrix;
  /**
   * What outsiders could do if no resource control policy bound the key: the same object as `outside` where none does,
   * or where it makes no difference.
   */
  readonly withoutRcps: AccessMatrix;
  /** The resource control policies that were counted, in the order that sources number them by. */
  readonly rcps: readonly CountedPolicy[];
  /** What everybody can do, those inside the zone as well, in a part of the matrix. Worked out when it is asked for: it costs more. */
  readonly everybody: (part: Part) => AccessMatrix;
  /** The accesses of callers outside the zone, put together as findings show them. */
  readonly groups: readonly AccessGroup[];
  readonly zone: Zone;
  readonly organizationOf: OrganizationOf;
  /** IAM of the key's account. Only for keys with grants: the opinion about others is shared between keys. */
  readonly iam: IamView | undefined;
}

/** A policy with the text that it was read from. */
export interface CountedPolicy {
  readonly text: string;
  readonly policy: Policy;
}

/** Where a finding comes from, before its line in the policy is looked up. */
export type DraftSource =
  | { readonly kind: "statement"; readonly index: number }
  | { readonly kind: "grant"; readonly grantId: string }
  /** `path` or `offset`: the place in the policy's text. */
  | { readonly kind: "policy"; readonly path?: JsonPath; readonly offset?: number }
  | { readonly kind: "grants" }
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

/** A finding as its rule writes it; judge.ts adds id, position, witness and waiver. */
export interface Draft {
  readonly rule: RuleId;
  readonly severity: Severity;
  readonly exposure: Exposure;
  readonly certainty: Certainty;
  readonly who: Who | null;
  readonly capabilities: readonly Capability[];
  readonly actions: readonly string[];
  readonly source: DraftSource;
  /** The place within the statement, where the finding is about a part of it. */
  readonly path?: JsonPath;
  readonly conditions: readonly FindingCondition[];
  readonly witness: Witness | undefined;
  /** One sentence. Foreign text in it is inert already. */
  readonly reason: string;
  readonly remedy: string;
  readonly doubts: readonly Doubt[];
  /** Tells findings apart that have rule, who and source in common. */
  readonly part?: string;
}

/** A rule: what it looks for in one key. docs/rules/README.md says what each finds. */
export interface Rule {
  readonly id: RuleId;
  /** A few words, as the table shows them. */
  readonly title: string;
  readonly find: (input: RuleInput) => readonly Draft[];
}

/** What most hygiene findings have in common. */
export const HYGIENE = {
  exposure: "none",
  certainty: "certain",
  who: null,
  capabilities: [],
  actions: [],
  conditions: [],
  witness: undefined,
  doubts: [],
} as const satisfies Partial<Draft>;
