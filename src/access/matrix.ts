import type { ActionName } from "../domain/ids.js";
import type { Capability, Certainty, Doubt, Exposure } from "../domain/verdict.js";
import type { Condition } from "../policy/ast.js";
import type { AccessRequest, Decision, Source } from "../semantics/request.js";

/** A class of callers that an answer is about. */
export type Who =
  /** A principal of an account that nobody named. */
  | { readonly kind: "anyone" }
  /** Accounts, organizations or ids that match a pattern, and that nobody named. */
  | { readonly kind: "pattern"; readonly pattern: string }
  | { readonly kind: "organization"; readonly id: string }
  | { readonly kind: "account"; readonly id: string }
  /** One user, role, session or federated user. */
  | { readonly kind: "principal"; readonly arn: string; readonly account: string }
  /** An AWS service, or those whose names match a pattern; `name` is undefined for any service. */
  | { readonly kind: "service"; readonly name?: string; readonly source: ServiceSource }
  /** A principal whose account cannot be seen, such as a unique id. */
  | { readonly kind: "unresolved"; readonly id: string };

/** On whose behalf a service calls. */
export type ServiceSource =
  /** The request names no source, or any source will do. */
  | { readonly kind: "any" }
  | { readonly kind: "none" }
  | { readonly kind: "account"; readonly id: string }
  | { readonly kind: "organization"; readonly id: string }
  | { readonly kind: "pattern"; readonly pattern: string };

/** Why something that is allowed cannot be done today. */
export type Reach =
  | { readonly kind: "now" }
  /** KMS does not offer the operation across accounts. */
  | { readonly kind: "not-across-accounts" }
  /** The state of the key forbids it; enabling the key, or cancelling its deletion, opens it. */
  | { readonly kind: "key-state"; readonly state: string }
  /** A condition on the time opens it later. Seconds since the epoch. */
  | { readonly kind: "not-before"; readonly time: number };

/** A condition that the request has to meet, and what it is worth. */
export interface ResidualCondition {
  readonly condition: Condition;
  /** `fixed-network`: only from fixed addresses, VPCs or endpoints. `free`: an outsider meets it at will. */
  readonly kind: "fixed-network" | "free" | "path" | "time" | "caller" | "source";
}

/** A concrete request that is allowed: the proof. */
export interface Witness {
  readonly request: AccessRequest;
  /** The reference's answer to it. */
  readonly decision: Decision;
}

/** What real organizations say about an access; the engine itself knows none. */
export type Today =
  /** Service control policies above the account deny it. */
  | { readonly kind: "denied-by-scp"; readonly account: string }
  /** No account outside the zone of trust stands where the conditions ask for. */
  | { readonly kind: "no-such-account"; readonly organization: string }
  /** The accounts outside the zone of trust that stand there. */
  | { readonly kind: "accounts"; readonly accounts: readonly string[] };

/** What one class of callers can do through one statement or grant. */
export interface Access {
  readonly who: Who;
  /** Whether the class is inside the zone of trust. */
  readonly trusted: boolean;
  readonly source: Source;
  readonly actions: readonly ActionName[];
  /** Of the actions, worst first, without repetition. */
  readonly capabilities: readonly Capability[];
  readonly certainty: Certainty;
  readonly doubts: readonly Doubt[];
  readonly reach: Reach;
  /** True: only from a fixed network. */
  readonly networkBound: boolean;
  readonly conditions: readonly ResidualCondition[];
  /** What this access alone makes of the key. `none` for callers inside the zone. */
  readonly exposure: Exposure;
  readonly witness: Witness;
  /** Undefined: nothing is known that would change the answer. */
  readonly today?: Today;
}

/** Something that could not be decided. */
export interface Undecided {
  readonly who: Who | undefined;
  readonly source: Source | undefined;
  readonly reason: string;
  readonly doubts: readonly Doubt[];
}

/** Everything that is known about who can use a key. Findings, explain, plan and diff read this and nothing else. */
export interface AccessMatrix {
  /** Worst first. */
  readonly accesses: readonly Access[];
  readonly undecided: readonly Undecided[];
  /** Worst of the accesses; `unknown` where something undecided could be worse than what was proved. */
  readonly exposure: Exposure;
  /** Where the reference did not bear out a proof. Not empty: a bug in keyward, and nothing here may be relied on. */
  readonly disagreements: readonly string[];
  /** Search steps taken; bounded, see `AnalysisOptions`. */
  readonly steps: number;
}

/** Each open question once. */
export function withoutRepeats(list: readonly Undecided[]): Undecided[] {
  const seen = new Map<string, Undecided>();
  for (const u of list) seen.set(JSON.stringify([u.who, u.source, u.reason]), u);
  return [...seen.values()];
}
