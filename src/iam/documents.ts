import type { Policy, Statement } from "../policy/ast.js";
import type { PolicyKind } from "../policy/context.js";
import { policyDoubts } from "../policy/doubtful.js";
import { parsePolicy } from "../policy/parse.js";
import { actionCovered } from "../semantics/action-match.js";
import { KMS_KEY_ACTIONS } from "../semantics/actions.js";

/** A policy reduced to what concerns some actions: those on keys of KMS, if nothing else is said. */
export interface KmsDocument {
  /** The statements that cover one of the actions, with their numbers in the document. */
  readonly policy: Policy;
  /** For each statement of `policy`: which of the actions it covers, perhaps. */
  readonly actions: readonly (readonly boolean[])[];
  /** Something in the document was not understood: it may allow or deny more than its statements say. */
  readonly unclear: boolean;
  /** Condition keys that its statements test or use as variables, in lower case. */
  readonly keys: ReadonlySet<string>;
}

const NOTHING: Policy = { version: "2012-10-17", id: undefined, statements: [] };

/** Reads documents, each text once: managed policies repeat across an account, and so do inline ones. */
export class Documents {
  /** @param names the actions that count */
  constructor(private readonly names: readonly string[] = KEY_ACTION_NAMES) {}

  private readonly byText = new Map<string, KmsDocument>();

  /** Texts that were read. */
  get size(): number {
    return this.byText.size;
  }

  read(text: string, kind: PolicyKind): KmsDocument {
    const id = `${kind} ${text}`;
    const known = this.byText.get(id);
    if (known !== undefined) return known;
    const read = reduce(text, kind, this.names);
    this.byText.set(id, read);
    return read;
  }
}

function reduce(text: string, kind: PolicyKind, names: readonly string[]): KmsDocument {
  const parsed = parsePolicy(text, { kind });
  const doubts = policyDoubts(parsed);
  const all = parsed.policy?.statements ?? [];
  const covered = all.map((s) => ({ statement: s, actions: coverage(s, names) }));
  // A Deny of which a part is not understood may deny less than is left of it, so it must not take anything away.
  const relevant = covered.filter(
    ({ statement, actions }) =>
      actions.includes(true) && !(statement.effect === "Deny" && doubts.notUnderstood.has(statement.index)),
  );
  const kms = new Set(covered.filter((c) => c.actions.includes(true)).map((c) => c.statement.index));
  const lost = [...doubts.notUnderstood, ...doubts.unread].filter(
    (index) => !all.some((s) => s.index === index) || kms.has(index),
  );
  return {
    policy: { ...(parsed.policy ?? NOTHING), statements: relevant.map((r) => r.statement) },
    actions: relevant.map((r) => r.actions),
    unclear: doubts.wholePolicy || lost.length > 0,
    keys: keysOf(relevant.map((r) => r.statement)),
  };
}

/** Which of these actions a statement covers, perhaps. */
export function coverage(statement: Statement, names: readonly string[]): readonly boolean[] {
  return names.map((name) => actionCovered(statement.action, name).value !== "no");
}

/** The names of KMS_KEY_ACTIONS. */
export const KEY_ACTION_NAMES: readonly string[] = KMS_KEY_ACTIONS.map((a) => a.name);

/** The condition keys that statements depend on: those that they test, and those in variables. */
export function keysOf(statements: readonly Statement[]): ReadonlySet<string> {
  const keys = new Set<string>();
  const variables = (text: string): void => {
    for (const [, name = ""] of text.matchAll(/\$\{\s*([^,}]+)/g)) keys.add(name.trim().toLowerCase());
  };
  for (const s of statements) {
    if (s.resource.kind !== "missing") for (const p of s.resource.patterns) variables(p);
    for (const c of s.conditions) {
      keys.add(c.keyLower);
      for (const v of c.values) variables(v);
    }
  }
  return keys;
}
