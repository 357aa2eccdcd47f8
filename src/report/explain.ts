import pc from "picocolors";
import type { Access, AccessMatrix, ResidualCondition } from "../access/matrix.js";
import { inert } from "../domain/inert.js";
import type { Condition, Statement } from "../policy/ast.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import type { KeyReport } from "../rules/finding.js";
import { actionsText, canDo, sourceText, whoText } from "../rules/words.js";
import { wrap } from "./wrap.js";

/** What `keyward explain` shows of one key. */
export interface Explanation {
  readonly report: KeyReport;
  /** Of all callers, the trusted ones too. */
  readonly matrix: AccessMatrix;
  readonly statements: readonly Statement[];
  readonly notes: readonly string[];
  readonly width: number;
  readonly color: boolean;
}

/** One key in words: who can do what through what, the trace and the proof of the worst, and what does not protect. */
export function explainText(x: Explanation): string {
  const colors = pc.createColors(x.color);
  const out: string[] = [];
  const add = (text: string, indent = ""): void => {
    for (const line of wrap(text, Math.max(30, x.width - indent.length))) out.push(indent + line);
  };
  const head = (text: string): void => {
    out.push("", colors.bold(text));
  };
  const { report, matrix } = x;
  out.push(colors.bold(`${report.verdict.toUpperCase()}  ${report.exposure}`));
  add(inert(report.arn));
  add(report.findings[0]?.reason ?? "Nobody outside the zone of trust can use this key.");

  head("WHO CAN DO WHAT");
  if (matrix.accesses.length === 0) {
    const read = report.verdict !== "not-assessed";
    add(
      read
        ? "Nobody, as far as the key policy and the grants decide it."
        : "Not known: not everything could be read.",
      "  ",
    );
  }
  for (const a of matrix.accesses) for (const line of accessLines(a, x)) add(line.text, line.indent);

  const worst = matrix.accesses.find((a) => !a.trusted);
  if (worst !== undefined) {
    head("WHY");
    for (const step of worst.witness.decision.trace)
      add(`${step.outcome}: ${inert(fromOne(step.text))}`, "  ");
    head("PROOF: a request that is allowed");
    const { request } = worst.witness;
    add(`principal ${inert(callerText(request.caller))}`, "  ");
    add(`action    ${request.action}`, "  ");
    for (const [key, value] of Object.entries(request.context)) {
      add(`${inert(key)} = ${inert(typeof value === "string" ? value : value.join(", "))}`, "  ");
    }
    for (const [key, value] of Object.entries(request.encryptionContext ?? {})) {
      add(`encryption context ${inert(key)} = ${inert(value)}`, "  ");
    }
    const weak = weakConditions(matrix, x.statements);
    if (weak.length > 0) {
      head("CONDITIONS THAT DO NOT PROTECT");
      for (const w of weak) {
        add(w.where, "  ");
        add(w.why, "    ");
      }
    }
    head("NEXT");
    for (const remedy of new Set(report.findings.map((f) => f.remedy))) add(`- ${remedy}`, "  ");
  }
  const doubts = new Map(matrix.accesses.flatMap((a) => a.doubts.map((d) => [d.id, d.text] as const)));
  if (doubts.size > 0 || matrix.undecided.length > 0) {
    head("NOT CERTAIN");
    for (const [id, text] of doubts) add(`${id}: ${text}`, "  ");
    for (const u of matrix.undecided) add(inert(u.reason), "  ");
  }
  for (const note of x.notes) {
    out.push("");
    add(`Note: ${note}`);
  }
  return `${out.join("\n")}\n`;
}

function accessLines(a: Access, x: Explanation): { readonly text: string; readonly indent: string }[] {
  const place = a.trusted ? "trusted" : a.exposure;
  const sure = a.certainty === "certain" ? "" : ", possibly";
  const lines = [
    { text: `${whoText(a.who)} (${place}${sure})`, indent: "  " },
    { text: `${canDo(a.capabilities, a.certainty)} (${actionsText(a.actions, 4)})`, indent: "    " },
    { text: `through ${throughText(a, x.statements)}${reachText(a)}`, indent: "    " },
  ];
  return lines;
}

/** The reference counts statements from 0, as a document does; people count from 1. */
function fromOne(text: string): string {
  return text.replace(/\bstatement (\d+)/g, (_, n: string) => `statement ${Number(n) + 1}`);
}

function throughText(a: Access, statements: readonly Statement[]): string {
  switch (a.source.kind) {
    case "statement":
    case "grant":
      return sourceText(a.source, statements);
    case "resource-control-policy":
    case "identity":
    case "boundary":
    case "session-policy":
    case "service-control-policy":
    case "kms-rule":
      return a.source.kind;
  }
}

function reachText(a: Access): string {
  const network = a.networkBound ? ", only from fixed networks" : "";
  switch (a.reach.kind) {
    case "now":
      return network;
    case "not-across-accounts":
      return `${network}; KMS does not offer this across accounts today`;
    case "key-state":
      return `${network}; once the key is no longer ${a.reach.state}`;
    case "not-before":
      return `${network}; from ${new Date(a.reach.time * 1000).toISOString()} on`;
  }
}

function callerText(c: Access["witness"]["request"]["caller"]): string {
  switch (c.kind) {
    case "service":
      return c.name;
    case "root":
      return `arn:${c.partition}:iam::${c.account}:root`;
    case "user":
      return `arn:${c.partition}:iam::${c.account}:user/${c.name}`;
    case "session":
      return `arn:${c.partition}:sts::${c.account}:assumed-role/${c.role.split("/").at(-1) ?? ""}/${c.session}`;
    case "federated-user":
      return `arn:${c.partition}:sts::${c.account}:federated-user/${c.name}`;
  }
}

/** A condition that outsiders pass, or a Deny that misses them, and why. */
export interface WeakCondition {
  readonly where: string;
  readonly why: string;
}

/** The conditions of the ways in for outsiders, and of the Deny statements that do not stop them. */
export function weakConditions(matrix: AccessMatrix, statements: readonly Statement[]): WeakCondition[] {
  const out = new Map<string, WeakCondition>();
  const put = (where: string, why: string | undefined): void => {
    if (why !== undefined) out.set(`${where}|${why}`, { where, why });
  };
  const open = matrix.accesses.filter((a) => !a.trusted);
  for (const a of open) {
    for (const r of a.conditions)
      put(`${throughText(a, statements)}: ${conditionText(r.condition)}`, whyWeak(r));
  }
  if (open.length > 0) {
    for (const s of statements.filter((d) => d.effect === "Deny")) {
      for (const c of s.conditions) {
        put(`Deny in statement ${s.index + 1}: ${conditionText(c)}`, whyDenyMisses(c));
      }
    }
  }
  return [...out.values()];
}

/** A condition as a policy says it. */
export function conditionText(c: Condition): string {
  const operator = `${c.qualifier === undefined ? "" : `${c.qualifier}:`}${c.operator}${c.ifExists ? "IfExists" : ""}`;
  return inert(`${operator} ${c.key} ${c.values.join(", ")}`);
}

const ABSENT_OPENS = "a request that does not carry the key at all passes, too";

/** Why an outsider passes a condition of an Allow; undefined where it does bound who gets in. */
export function whyWeak({ condition: c, kind }: ResidualCondition): string | undefined {
  const fixed = c.values.every((v) => !/[*?]/.test(v));
  if (c.qualifier === "ForAllValues") {
    return `ForAllValues holds where there is no value: ${ABSENT_OPENS}. Add Null ${c.key} false, or leave the qualifier out.`;
  }
  if (c.ifExists) return `IfExists: ${ABSENT_OPENS}.`;
  if (/Not/.test(c.operator)) {
    return `a negated operator lets in everybody but the listed ones, and ${ABSENT_OPENS}.`;
  }
  switch (kind) {
    case "free":
      return freeReason(c);
    case "path":
      return "it says by which service the request comes, not from whom: a stranger uses the same service in an account of their own.";
    case "time":
      return "it says when, not who.";
    case "fixed-network":
      return "it fixes the network, not the principal: whoever gets into that network gets in.";
    case "caller":
      if (c.operator === "StringLike" && c.keyLower === "aws:principalarn" && !fixed) {
        return "with StringLike, * crosses colons: a stranger can give a role a name that fits. Use ArnLike with the account written out.";
      }
      return fixed ? undefined : "the pattern covers callers whom nobody named.";
    case "source":
      return fixed ? undefined : "the pattern covers sources that nobody named.";
  }
}

function freeReason(c: Condition): string {
  switch (conditionKeyFacts(c.keyLower)?.origin) {
    case "caller-account":
      return `${c.key} is set in the caller's own account: a stranger's administrator gives it any value.`;
    case "network":
      return "the network that it asks for is open to anybody, or can be had by anybody.";
    case "request":
    case "free":
      return `${c.key} is chosen by whoever makes the request.`;
    default:
      return `keyward does not know ${c.key}: misspelt, or newer than its table.`;
  }
}

/** Why a Deny may pass outsiders by; undefined where nothing about the condition's form says so. */
export function whyDenyMisses(c: Condition): string | undefined {
  if (c.qualifier === "ForAnyValue") {
    return "ForAnyValue never holds where the key is absent: callers without it are not denied.";
  }
  const facts = conditionKeyFacts(c.keyLower);
  if (!/Not/.test(c.operator) && !c.ifExists && c.qualifier === undefined && c.operator !== "Null") {
    return facts?.origin === "caller"
      ? "it denies only those whom it lists; every other account stays allowed."
      : "it denies only where the key is there and has this value.";
  }
  if (facts?.origin === "request" || facts?.origin === "free" || facts?.origin === "caller-account") {
    return `${c.key} is in the caller's hands: a stranger chooses a value that is not denied.`;
  }
  return undefined;
}
