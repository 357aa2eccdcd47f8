import type { Grant } from "../domain/grant.js";
import type { AccountId, OrganizationId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import type { Zone } from "../domain/zone.js";
import type { ParsedPolicy, Policy } from "../policy/ast.js";

/** What an analysis is about. */
export interface AnalysisInput {
  readonly facts: KeyFacts;
  readonly policy: ParsedPolicy;
  /** Undefined: they could not be read, and the caller must say so. */
  readonly grants: readonly Grant[] | undefined;
  readonly resourceControlPolicies: readonly Policy[];
  /** What else may deny: parts of resource control policies that were not understood. Nothing is certain that they touch. */
  readonly doubtfulDenials?: readonly Policy[];
  readonly zone: Zone;
  /** Organization of accounts, as far as it is known. `null`: in no organization. */
  readonly organizationOf: ReadonlyMap<
    AccountId,
    { readonly id: OrganizationId; readonly path?: string } | null
  >;
  /** Seconds since the epoch. */
  readonly now: number;
  /** `outside`: only callers outside the zone of trust (enough for a verdict). `all`: everybody (explain). */
  readonly scope: "outside" | "all";
  /** Only ways in through this statement, or for groups of actions that hold one of these: a part of the matrix. */
  readonly only?: Part;
  /** Bound on the search; when it is used up the rest is undecided. */
  readonly maxSteps?: number;
  /** With more grants than this each is looked at by itself (many-grants.ts). */
  readonly grantsTogether?: number;
}

/** A part of an access matrix: what is not of it is not worked out. */
export interface Part {
  /** Index of a statement of the key policy; `none`: only through grants. */
  readonly statement?: number | "none";
  readonly actions?: readonly string[];
  /** Only callers of the zone of trust; what the others can do is not looked for, and covers nobody of these. */
  readonly trusted?: true;
}

/** Enough for any policy that people write; a hostile one runs into it and is reported as undecided. */
export const DEFAULT_MAX_STEPS = 50_000;
