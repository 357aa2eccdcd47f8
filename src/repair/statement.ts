import type { PrincipalEntry, Statement } from "../policy/ast.js";
import { actionCovered } from "../semantics/action-match.js";
import { type Edit, isRecord } from "./edit.js";
import type { StatementChange, Strategy } from "./plan-file.js";
import type { SeenPrincipal } from "./seen.js";
import {
  type Arm,
  type ArmCondition,
  callerArms,
  foreignValues,
  namedPrincipals,
  sourceArms,
  standingOf,
  type TrustContext,
} from "./trust.js";

/** What is to become of one statement. */
export interface StatementRepair {
  readonly change: StatementChange;
  readonly reason: string;
  readonly warnings: readonly string[];
  /** As {@link StatementEdits.parts}; undefined: it stays as it is. */
  readonly parts: readonly (readonly Edit[])[] | undefined;
}

export interface StatementInput {
  readonly statement: Statement;
  /** Its JSON value, for what the syntax tree does not keep. */
  readonly raw: unknown;
  /** Sids of the whole policy: copies get new ones. */
  readonly sids: ReadonlySet<string>;
  readonly trust: TrustContext;
  /** Principals of the zone that were seen using the key; undefined: there is no evidence. */
  readonly seen: readonly SeenPrincipal[] | undefined;
}

const REMOVED: readonly (readonly Edit[])[] = [];

/** Closes one statement that lets outsiders in, in the way that the strategy says. */
export function repairStatement(input: StatementInput, strategy: Strategy): StatementRepair {
  const named = dropConditionValues(input) ?? dropPrincipals(input, strategy);
  if (named !== undefined) return named;
  switch (strategy) {
    case "remove":
      return removal("it lets in whoever comes, and the strategy is to remove such statements");
    case "narrow":
      return narrow(input);
    case "bound":
      return bound(input);
  }
}

function removal(reason: string): StatementRepair {
  return { change: "remove", reason, warnings: [], parts: REMOVED };
}

/** A condition that names callers one by one: those outside the zone are taken out of its values. */
function dropConditionValues({ statement, raw, trust }: StatementInput): StatementRepair | undefined {
  const edits: Edit[] = [];
  for (const c of statement.conditions) {
    const foreign = foreignValues(c, trust);
    if (foreign === undefined || foreign.length === 0) continue;
    if (foreign.length === c.values.length) {
      return removal(`its condition on ${c.key} names nobody but outsiders`);
    }
    const path = c.path.slice(statement.path.length);
    const at = valueAt(raw, path);
    if (!Array.isArray(at)) return undefined;
    for (const i of [...foreign].reverse()) edits.push({ path: [...path, i], value: undefined });
  }
  return edits.length === 0
    ? undefined
    : {
        change: "drop-principals",
        reason: "outsiders are taken out of the values of its condition; those of the zone stay",
        warnings: [],
        parts: [edits],
      };
}

/** Named outsiders (and ids of deleted principals) go; undefined where that is not all there is to do. */
function dropPrincipals(input: StatementInput, strategy: Strategy): StatementRepair | undefined {
  const { statement, raw, trust } = input;
  const { principal } = statement;
  if (principal.kind !== "principal") return undefined;
  const standings = principal.entries.map((e) => standingOf(e, trust));
  if (standings.includes("everyone")) return undefined;
  const leave = (e: PrincipalEntry): boolean => standingOf(e, trust).startsWith("trusted");
  const services = standings.includes("service");
  const gone = principal.entries.filter((e) => !leave(e) && (e.kind !== "service" || strategy === "remove"));
  const instead = gone.flatMap((e) => (e.kind === "account" ? namedPrincipals(e.account, trust) : []));
  const staying = principal.entries.length - gone.length + instead.length;
  if (staying === 0) {
    const reason = services ? "it is for services on anybody's behalf" : "it is for outsiders alone";
    return { ...removal(reason), warnings: unlisted(gone, trust) };
  }
  const texts = new Set(gone.map((e) => e.text));
  if (!services || strategy === "remove") {
    if (gone.length === 0) return undefined;
    return {
      change: instead.length > 0 ? "narrow" : "drop-principals",
      reason:
        instead.length > 0
          ? `outsiders are replaced by the principals of theirs that are trusted`
          : "outsiders are taken out of its principals; those of the zone stay",
      warnings: unlisted(gone, trust),
      parts: [withoutPrincipals(raw, texts, instead)],
    };
  }
  return boundServices(input, texts, instead);
}

/** An account of which nobody said in which organization it is counts as outside, though it may be inside. */
function unlisted(
  gone: readonly PrincipalEntry[],
  { zone, organizationOf }: TrustContext,
): readonly string[] {
  if (zone.organizations.length === 0) return [];
  const accounts = gone.flatMap((e) =>
    "account" in e && !organizationOf.has(e.account) ? [e.account as string] : [],
  );
  return accounts.length === 0
    ? []
    : [
        `Of ${[...new Set(accounts)].join(", ")} no organization is known: if it is in a trusted one, list it under trust.accounts.`,
      ];
}

/** A statement for services: each kind of source in the zone gets a part; others that it names get their own. */
function boundServices(
  input: StatementInput,
  gone: ReadonlySet<string>,
  instead: readonly string[],
): StatementRepair {
  const { statement, raw, trust } = input;
  const entries = statement.principal.kind === "principal" ? statement.principal.entries : [];
  const services = entries.filter((e) => standingOf(e, trust) === "service").map((e) => e.text);
  const others = instead.length > 0 || entries.some((e) => standingOf(e, trust).startsWith("trusted"));
  const warnings = [
    `A service that sends no aws:SourceAccount with its calls is refused from then on; look its documentation up for: ${services.join(", ")}.`,
    ...(services.some((s) => s.startsWith("logs."))
      ? [
          "CloudWatch Logs is better bound by kms:EncryptionContext:aws:logs:arn (CloudWatch Logs User Guide).",
        ]
      : []),
  ];
  const start = others
    ? [{ path: ["Principal"], value: { Service: oneOrMany(services) } }]
    : withoutPrincipals(raw, gone, []);
  const bounded = sourceArms(trust).flatMap((a) => armEdits(a, raw).map((edits) => [...start, ...edits]));
  if (bounded.length === 0) return removal("its own conditions leave no room for a bound on the source");
  const kept = others ? [withoutPrincipals(raw, new Set([...gone, ...services]), instead)] : [];
  const parts = [...kept, ...bounded];
  return {
    change: parts.length > 1 ? "split" : "bound",
    reason: "services may act only on behalf of accounts and organizations of the zone",
    warnings,
    parts: withSids(parts, input),
  };
}

/** Adds the conditions that keep callers to the zone. */
function bound(input: StatementInput): StatementRepair {
  const { statement, raw, trust } = input;
  const entries = statement.principal.kind === "principal" ? statement.principal.entries : [];
  const services = entries.filter((e) => standingOf(e, trust) === "service").map((e) => e.text);
  const orphans = entries.filter((e) => ["orphan", "refused"].includes(standingOf(e, trust)));
  const callers = callerArms(trust).flatMap((a) => armEdits(a, raw));
  if (callers.length === 0) return removal("its own conditions leave no room for a bound");
  const ordinary = withoutPrincipals(raw, new Set([...orphans.map((e) => e.text), ...services]), []);
  const parts = callers.map((edits) => [...ordinary, ...edits]);
  for (const edits of services.length === 0 ? [] : sourceArms(trust).flatMap((a) => armEdits(a, raw))) {
    parts.push([{ path: ["Principal"], value: { Service: oneOrMany(services) } }, ...edits]);
  }
  return {
    change: parts.length > 1 ? "split" : "bound",
    reason:
      parts.length > 1
        ? "callers must be of the zone of trust: one statement for each kind of bound, since conditions in one statement must all hold"
        : `callers must be of the zone of trust (${callerArms(trust)[0]?.conditions[0]?.key ?? ""})`,
    warnings: [],
    parts: withSids(parts, input),
  };
}

/** Everybody becomes those who were seen, with what they were seen doing. */
function narrow(input: StatementInput): StatementRepair {
  const { statement, seen, raw } = input;
  if (seen === undefined) return bound(input);
  const excluded =
    statement.principal.kind === "not-principal" ? statement.principal.entries.map((e) => e.text) : [];
  const users = seen
    .map((s) => ({
      ...s,
      actions: s.actions.filter((a) => actionCovered(statement.action, a).value === "yes"),
      forResources: s.forResources.filter((a) => actionCovered(statement.action, a).value === "yes"),
    }))
    .filter((s) => s.actions.length + s.forResources.length > 0 && !excluded.includes(s.arn));
  if (users.length === 0) return removal("nobody of the zone was seen using what it allows");
  const arns = [...new Set(users.map((u) => u.arn))].sort();
  const principals: Edit[] = [
    ...(statement.principal.kind === "not-principal" ? [{ path: ["NotPrincipal"], value: undefined }] : []),
    { path: ["Principal"], value: { AWS: oneOrMany(arns) } },
  ];
  const listed = (actions: readonly string[]): Edit[] => [
    ...(statement.action.kind === "not-listed" ? [{ path: ["NotAction"], value: undefined }] : []),
    { path: ["Action"], value: oneOrMany(actions) },
  ];
  const actions = [...new Set(users.flatMap((u) => u.actions))].sort();
  const forResources = [...new Set(users.flatMap((u) => u.forResources))].sort();
  const parts: Edit[][] = [];
  if (actions.length > 0) parts.push([...principals, ...listed(actions)]);
  if (forResources.length > 0) {
    const [edits] = armEdits(
      { conditions: [{ operator: "Bool", key: "kms:GrantIsForAWSResource", values: ["true"] }] },
      raw,
    );
    parts.push([...principals, ...listed(forResources), ...(edits ?? [])]);
  }
  return {
    change: parts.length > 1 ? "split" : "narrow",
    reason: `only the principals of the zone that were seen, with the operations that they were seen using (${arns.length} of them)`,
    warnings: [
      "KMS refuses principals that do not exist any more: those that were deleted since must be left out.",
    ],
    parts: withSids(parts, input),
  };
}

/** The principals in a statement's JSON without some, and with others in their place. */
function withoutPrincipals(raw: unknown, gone: ReadonlySet<string>, instead: readonly string[]): Edit[] {
  const element = isRecord(raw) ? raw["Principal"] : undefined;
  if (!isRecord(element)) return [];
  const edits: Edit[] = [];
  let placed = instead.length === 0;
  for (const [type, value] of Object.entries(element)) {
    const list: readonly unknown[] = Array.isArray(value) ? (value as readonly unknown[]) : [value];
    const staying = list.filter((v) => !gone.has(String(v)));
    if (staying.length === list.length) continue;
    const path = ["Principal", type];
    if (type === "AWS" && !placed) {
      placed = true;
      edits.push({ path, value: oneOrMany([...new Set([...staying.map(String), ...instead])]) });
    } else if (staying.length === 0) edits.push({ path, value: undefined });
    else {
      for (let i = list.length - 1; i >= 0; i--) {
        if (gone.has(String(list[i]))) edits.push({ path: [...path, i], value: undefined });
      }
    }
  }
  return edits;
}

/** Other spellings of one bound, for statements that use the first one already. */
const ALTERNATIVES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  "kms:CallerAccount": [
    ["StringEquals", "aws:PrincipalAccount"],
    ["StringLike", "kms:CallerAccount"],
    ["StringLike", "aws:PrincipalAccount"],
  ],
  "aws:PrincipalOrgID": [["StringLike", "aws:PrincipalOrgID"]],
  "aws:SourceAccount": [["StringLike", "aws:SourceAccount"]],
  "aws:SourceOrgID": [["StringLike", "aws:SourceOrgID"]],
  "aws:PrincipalArn": [["ArnLike", "aws:PrincipalArn"]],
};

/** The edits that add an arm; none where the statement leaves no place for it. At most one list. */
function armEdits({ conditions }: Arm, raw: unknown): Edit[][] {
  const edits: Edit[] = [];
  for (const c of conditions) {
    const place = placeFor(c, raw);
    if (place === undefined) return [];
    edits.push({ path: ["Condition", ...place], value: oneOrMany(c.values) });
  }
  return [edits];
}

function placeFor(c: ArmCondition, raw: unknown): readonly [string, string] | undefined {
  const block = isRecord(raw) && isRecord(raw["Condition"]) ? raw["Condition"] : {};
  const choices = [[c.operator, c.key] as const, ...(ALTERNATIVES[c.key] ?? [])];
  for (const [operator, key] of choices) {
    const written = Object.keys(block).find((o) => o.toLowerCase() === operator.toLowerCase());
    const under: unknown = written === undefined ? undefined : block[written];
    const taken = isRecord(under) && Object.keys(under).some((k) => k.toLowerCase() === key.toLowerCase());
    if (!taken) return [written ?? operator, key];
  }
  return undefined;
}

/** Copies of a statement must not have its Sid. */
function withSids(parts: readonly (readonly Edit[])[], input: StatementInput): (readonly Edit[])[] {
  const { sid } = input.statement;
  const taken = new Set(input.sids);
  return parts.map((edits, i) => {
    if (i === 0 || sid === undefined) return edits;
    let number = i + 1;
    while (taken.has(`${sid}${number}`)) number++;
    taken.add(`${sid}${number}`);
    return [{ path: ["Sid"], value: `${sid}${number}` }, ...edits];
  });
}

function oneOrMany(values: readonly string[]): string | readonly string[] {
  const [only] = values;
  return values.length === 1 && only !== undefined ? only : values;
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let at: unknown = value;
  for (const step of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}
