import type { Fetched } from "../domain/fetched.js";
import type { Grant } from "../domain/grant.js";
import type { KeyFacts } from "../domain/key.js";
import type { Condition, ParsedPolicy, Policy, PrincipalElement, Statement } from "../policy/ast.js";
import { canonicalPolicy } from "../policy/canonical.js";
import { type PolicyDoubts, policyDoubts } from "../policy/doubtful.js";
import { parsePolicy } from "../policy/parse.js";
import type { KeyDocument, Source } from "../semantics/request.js";
import { type Entrance, grantEntrances, statementEntrances } from "./entrances.js";
import { doubtfulStatements, type Prepared, prepare } from "./statements.js";
import { allOf, type Truth } from "./truth.js";

/** The documents that decide who can use a key, as they are (or were, or would be) at one time. */
export interface DiffSide {
  /** `absent`: no policy at all. Anything but present and absent makes the answer unknown. */
  readonly policy: Fetched<string>;
  readonly grants: Fetched<readonly Grant[]>;
  /** Texts of the resource control policies that bind the key's account. */
  readonly resourceControlPolicies: readonly string[];
}

/** A way in with what tells it apart from others, whatever its name and its place in the policy. */
export interface SignedEntrance {
  readonly entrance: Entrance;
  /** Equal for ways in that let the same requests in, for the actions that they cover. */
  readonly signature: string;
  /** Equal where a doubt about whom it names, or whether it covers the key, is one and the same doubt. */
  readonly head: string;
}

/** A Deny of the key policy or of a resource control policy. */
export interface SignedDeny {
  readonly prepared: Prepared;
  readonly source: Source;
  readonly signature: string;
  readonly head: string;
}

/** One side made ready for the comparison. */
export interface Side {
  readonly parsed: ParsedPolicy;
  readonly reading: PolicyDoubts;
  readonly policies: readonly Policy[];
  readonly statements: readonly Prepared[];
  readonly rcps: readonly (readonly Prepared[])[];
  readonly grants: readonly Grant[];
  readonly denies: readonly SignedDeny[];
  readonly document: KeyDocument;
  /** What could not be read or understood at all: statements, the policy, the grants. By content, with a sentence each. */
  readonly gaps: ReadonlyMap<string, string>;
}

const NO_POLICY: Policy = { version: "2012-10-17", id: undefined, statements: [] };

/** Reads a side. Never throws for what stands in the documents. */
export function readSide(side: DiffSide, facts: KeyFacts): Side {
  const gaps = new Map<string, string>();
  const text = side.policy.kind === "present" ? side.policy.value : undefined;
  const parsed: ParsedPolicy =
    text === undefined
      ? { policy: NO_POLICY, diagnostics: [] }
      : parsePolicy(text, { kind: "key", partition: facts.partition });
  if (side.policy.kind === "unreadable" || side.policy.kind === "unknown") {
    gaps.set("policy", "the key policy could not be read");
  }
  const read = side.grants.kind === "present" || side.grants.kind === "absent";
  if (!read) gaps.set("grants", "the grants could not be read");
  const grants = side.grants.kind === "present" ? side.grants.value : [];
  const reading = policyDoubts(parsed);
  const raw = rawStatements(text);
  const policy = parsed.policy ?? NO_POLICY;
  if (reading.wholePolicy) gaps.set(`whole ${text ?? ""}`, "the key policy was not understood as a whole");
  for (const index of reading.unread) {
    gaps.set(
      `statement ${raw?.[index] ?? `${index} of ${text ?? ""}`}`,
      `statement ${index + 1} could not be read`,
    );
  }
  const statements = prepare(policy, facts, doubtfulStatements(reading), "key-policy");
  const denies = statements.flatMap((p) =>
    signDeny(p, { kind: "statement", index: p.statement.index, sid: p.statement.sid }, raw),
  );
  const rcpPolicies: Policy[] = [];
  const rcps: (readonly Prepared[])[] = [];
  side.resourceControlPolicies.forEach((rcpText, number) => {
    const rcp = parsePolicy(rcpText, { kind: "rcp" });
    const doubts = policyDoubts(rcp);
    if (rcp.policy === undefined || doubts.wholePolicy || doubts.unread.size > 0) {
      gaps.set(`rcp ${rcpText}`, "a resource control policy was not understood");
    }
    if (rcp.policy === undefined) return;
    const ready = prepare(rcp.policy, facts, doubtfulStatements(doubts), "other");
    const rcpRaw = rawStatements(rcpText);
    rcps.push(ready);
    denies.push(
      ...ready.flatMap((p) =>
        signDeny(
          p,
          { kind: "resource-control-policy", policy: number, statement: p.statement.index },
          rcpRaw,
        ),
      ),
    );
    // The reference has no doubtful statements in resource control policies: it is given those that are sure.
    const sure = rcp.policy.statements.filter(
      (s) => ready.find((p) => p.statement === s)?.doubt === undefined,
    );
    rcpPolicies.push({ ...rcp.policy, statements: doubts.wholePolicy ? [] : sure });
  });
  return {
    parsed,
    reading,
    policies: [policy, ...rcpPolicies],
    statements,
    rcps,
    grants,
    denies,
    gaps,
    document: {
      facts,
      policy,
      grants,
      ...(read ? {} : { grantsUnread: true }),
      resourceControlPolicies: rcpPolicies,
      doubtfulStatements: reading.notUnderstood,
      refusedStatements: reading.refused,
    },
  };
}

/** The ways in of a side. `keys`: the condition keys that occur on either side, in lower case. */
export function signedEntrances(
  side: Side,
  text: Fetched<string>,
  facts: KeyFacts,
  keys: ReadonlySet<string>,
): SignedEntrance[] {
  const raw = rawStatements(text.kind === "present" ? text.value : undefined);
  const statements = statementEntrances(side.statements).flatMap((entrance): SignedEntrance[] => {
    const { source } = entrance;
    if (source.kind !== "statement") return [];
    const p = side.statements.find((s) => s.statement.index === source.index);
    return p === undefined ? [] : [{ entrance, ...sign(p, raw) }];
  });
  const grants = grantEntrances(side.grants, facts, keys).map((entrance): SignedEntrance => {
    const head = principalText(entrance.principal);
    const context = JSON.stringify(entrance.encryptionContext ?? null);
    return {
      entrance,
      head: `grant ${head}`,
      signature: `grant ${head} ${conditionsText(entrance.conditions, false)} ${context} ${entrance.housekeeping ? 1 : 0}`,
    };
  });
  return [...statements, ...grants];
}

function signDeny(p: Prepared, source: Source, raw: readonly string[] | undefined): SignedDeny[] {
  if (p.statement.effect !== "Deny" || p.resource === "no") return [];
  return [{ prepared: p, source, ...sign(p, raw) }];
}

function sign(p: Prepared, raw: readonly string[] | undefined): { signature: string; head: string } {
  const { statement } = p;
  const resource = p.resource === "yes" ? "" : JSON.stringify(statement.resource);
  const head = `${principalText(statement.principal)} ${resource}`;
  if (p.doubt === "not-understood") {
    // What was not understood is not in the tree: only the text says whether two statements are the same.
    const text = raw?.[statement.index];
    const own = text === undefined ? `only itself ${statement.index}` : text;
    return { head: own, signature: own };
  }
  return {
    head: p.doubt === undefined ? head : `${p.doubt} ${head}`,
    signature: `${head} ${conditionsText(p.conditions, p.variables)} ${p.doubt ?? ""}`,
  };
}

/** Everything about a Deny that does not depend on its conditions. */
export function denyHead(d: SignedDeny, principal: Truth): Truth {
  const { doubt, resource } = d.prepared;
  return allOf([principal, resource, doubt === undefined ? "yes" : { doubtful: doubt }]);
}

const BARE: Statement = {
  index: 0,
  sid: undefined,
  effect: "Allow",
  principal: { kind: "missing" },
  action: { kind: "missing" },
  resource: { kind: "missing" },
  conditions: [],
  path: [],
};

function principalText(principal: PrincipalElement): string {
  return canonicalPolicy({ ...NO_POLICY, statements: [{ ...BARE, principal }] });
}

/** A text that is equal for conditions that hold for the same requests. */
export function conditionText(condition: Condition, variables: boolean): string {
  const asked = variables && condition.values.some((v) => v.includes("${"));
  return `${canonicalPolicy({ ...NO_POLICY, statements: [{ ...BARE, conditions: [condition] }] })}${asked ? " variables" : ""}`;
}

function conditionsText(conditions: readonly Condition[], variables: boolean): string {
  return [...new Set(conditions.map((c) => conditionText(c, variables)))].sort().join(" ");
}

/** The statements as they stand in the text, one text for each, equal for statements with equal content. */
function rawStatements(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  try {
    const root: unknown = JSON.parse(text);
    if (typeof root !== "object" || root === null || !("Statement" in root)) return undefined;
    const list = Array.isArray(root.Statement) ? root.Statement : [root.Statement];
    const version = "Version" in root ? JSON.stringify(root.Version) : "";
    return list.map((s: unknown) => `${version} ${JSON.stringify(withoutSid(s))}`);
  } catch {
    // Not JSON: the parser has said so, and nothing is equal to it.
    return undefined;
  }
}

function withoutSid(statement: unknown): unknown {
  if (typeof statement !== "object" || statement === null || Array.isArray(statement)) return statement;
  return Object.fromEntries(
    Object.entries(statement)
      .filter(([k]) => k !== "Sid")
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
