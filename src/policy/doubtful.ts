import type { ParsedPolicy, Policy, Statement } from "./ast.js";
import { DIAGNOSTIC_CODES } from "./codes.js";
import type { CodeFacts } from "./codes.js";

/** What the diagnostics of a policy mean for an answer that is built on its AST. */
export interface PolicyDoubts {
  /** Indexes of statements of which something was not understood. */
  readonly notUnderstood: ReadonlySet<number>;
  /** Indexes of statements that KMS would refuse to store. */
  readonly refused: ReadonlySet<number>;
  /** Indexes of statements that are not in the AST at all, because none could be built. They may allow or deny anything. */
  readonly unread: ReadonlySet<number>;
  /** There is no AST, or something that concerns all of it was not understood: any answer is unknown. */
  readonly wholePolicy: boolean;
  /** KMS would not store the policy as it stands. */
  readonly refusedByKms: boolean;
}

const FACTS: Readonly<Record<string, CodeFacts>> = DIAGNOSTIC_CODES;

/** Sums up the diagnostics of a parsed policy by statement. */
export function policyDoubts(parsed: ParsedPolicy): PolicyDoubts {
  const notUnderstood = new Set<number>();
  const refused = new Set<number>();
  const unread = new Set<number>();
  let wholePolicy = parsed.policy === undefined;
  let refusedByKms = wholePolicy;
  if (parsed.diagnostics.length > 0) {
    const built = new Set(parsed.policy?.statements.map((statement) => statement.index));
    for (const { level, code, statement } of parsed.diagnostics) {
      if (level === "warning") continue;
      if (level === "refused") refusedByKms = true;
      if (statement === undefined) {
        if (level === "not-understood") wholePolicy = true;
        continue;
      }
      if (!built.has(statement)) unread.add(statement);
      if (level === "not-understood") notUnderstood.add(statement);
      else if (FACTS[code]?.storedBefore !== true) refused.add(statement);
    }
  }
  return { notUnderstood, refused, unread, wholePolicy, refusedByKms };
}

/** The Denies of a policy that only denies, such as a resource control policy, by what is known of them. */
export interface Denials {
  /** The statements that surely mean what they say. Undefined: there is no syntax tree. */
  readonly sure: Policy | undefined;
  /** What may deny as well. Undefined: nothing. What has no syntax tree stands here as a Deny of everything to everybody. */
  readonly doubtful: Policy | undefined;
}

/** Everything to everybody. */
const ANY_DENIAL: Statement = {
  index: 0,
  sid: undefined,
  effect: "Deny",
  principal: { kind: "principal", entries: [{ kind: "everyone", text: "*" }] },
  action: { kind: "listed", patterns: ["*"] },
  resource: { kind: "listed", patterns: ["*"] },
  conditions: [],
  path: [],
};

/**
 * Separates the Denies that hold from those that perhaps do: a Deny that was not understood must neither close a key
 * nor leave it open for certain.
 */
export function denialsOf(parsed: ParsedPolicy): Denials {
  const { notUnderstood, refused, unread, wholePolicy } = policyDoubts(parsed);
  const { policy } = parsed;
  const isDoubtful = (s: Statement): boolean =>
    wholePolicy || notUnderstood.has(s.index) || refused.has(s.index);
  const doubtful = (policy?.statements ?? [])
    .filter((s) => s.effect === "Deny" && isDoubtful(s))
    // A condition that was not understood holds for anybody, as far as is known.
    .map((s) => (notUnderstood.has(s.index) ? { ...s, conditions: [] } : s));
  if (wholePolicy || unread.size > 0) doubtful.push({ ...ANY_DENIAL, index: [...unread][0] ?? 0 });
  const sure =
    policy === undefined
      ? undefined
      : { ...policy, statements: policy.statements.filter((s) => !isDoubtful(s)) };
  if (doubtful.length === 0) return { sure, doubtful: undefined };
  return { sure, doubtful: { version: "2012-10-17", id: undefined, ...policy, statements: doubtful } };
}
