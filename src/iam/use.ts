import type { IamPrincipal } from "../domain/iam.js";
import type { ActionName } from "../domain/ids.js";
import type { Capability, Doubt } from "../domain/verdict.js";
import type { Condition } from "../policy/ast.js";
import type { Source } from "../semantics/request.js";
import type { KmsDocument } from "./documents.js";

/**
 * `certain`: whatever else the request holds. `conditional`: the request must meet conditions, or miss those of a Deny,
 * that a caller may or may not be able to meet. `possible`: it rests on a rule of AWS that is documented badly, on
 * something that was not read, or not understood.
 */
export type UseCertainty = "certain" | "conditional" | "possible";

/** A condition that decides, and whether it stands in an Allow (must be met) or a Deny (must not). */
export interface OpenCondition {
  readonly effect: "Allow" | "Deny";
  readonly condition: Condition;
}

/** Actions on a key that a principal can do in the same way. */
export interface KeyUse {
  readonly actions: readonly ActionName[];
  /** Worst first. */
  readonly capabilities: readonly Capability[];
  readonly certainty: UseCertainty;
  /** The same if service control policies that were not read permit it. */
  readonly ifPermitted: UseCertainty;
  readonly doubts: readonly Doubt[];
  /** Statements of the key policy, and grants. */
  readonly sources: readonly Source[];
  /** True: the key policy or a grant lets the principal in by itself; IAM policies can only take away. */
  readonly direct: boolean;
  /** The principal's documents that allow it. */
  readonly documents: readonly KmsDocument[];
  readonly conditions: readonly OpenCondition[];
}

/** What one principal can do with a key. Not empty. */
export interface PrincipalUses {
  readonly principal: IamPrincipal;
  readonly uses: readonly KeyUse[];
}
