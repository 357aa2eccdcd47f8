import pc from "picocolors";
import type { Access, AccessMatrix, ResidualCondition } from "../access/matrix.js";
import { inert } from "../domain/inert.js";
import type { Condition, Statement } from "../policy/ast.js";
import { callerArn } from "../semantics/arn.js";
import type { Source, TraceStep } from "../semantics/request.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import { todayText } from "../rules/exposure-draft.js";
import type { KeyReport } from "../rules/finding.js";
import type { KeyUsers } from "../rules/key-users.js";
import type { Closing, Guard } from "../rules/what-if.js";
import {
  actionsText,
  canDo,
  countedFromOne,
  enumerate,
  sourceText,
  whoLabel,
  whoText,
} from "../rules/words.js";
import { conditionText } from "./condition-text.js";
import { keyUsersLines } from "./key-users.js";
import { wrap } from "./wrap.js";

/** What the JSON form says that it is; fields are only ever added under one name. */
export const EXPLANATION_SCHEMA = "keyward.explanation/1";

/** What `keyward explain` shows of one key. */
export interface Explanation {
  readonly report: KeyReport;
  /** Of all callers, the trusted ones too. */
  readonly matrix: AccessMatrix;
  readonly statements: readonly Statement[];
  /** Whether `${…}` are variables: the policy's Version is 2012-10-17. */
  readonly variables: boolean;
  readonly closings: readonly Closing[];
  readonly guards: readonly Guard[];
  /** Who in the key's account can use it; undefined where nothing of its IAM was read. */
  readonly users: KeyUsers | undefined;
  /** Everything, however long. */
  readonly all: boolean;
  readonly notes: readonly string[];
  readonly width: number;
  readonly color: boolean;
}

/** One key in words: who can do what through what, the trace and the proof of the worst, and what does not protect. */
export function explainText(x: Explanation): string {
  const colors = pc.createColors(x.color);
  const out: string[] = [];
  /** Lines of a list go on below their text, not below their mark. */
  const add = (text: string, indent = ""): void => {
    const hang = /^(- |[a-z-]+: )/.test(text) && indent !== "" ? `${indent}  ` : indent;
    for (const [i, line] of wrap(text, Math.max(30, x.width - hang.length)).entries()) {
      out.push((i === 0 ? indent : hang) + line);
    }
  };
  const head = (text: string): void => {
    out.push("", colors.bold(text));
  };
  const { report, matrix } = x;
  out.push(colors.bold(`${report.verdict.toUpperCase()}  ${report.exposure}`));
  add(inert(report.arn));
  const [first] = report.findings;
  if (report.exposure === "none" || first === undefined) {
    add("Nobody outside the zone of trust can use this key.");
  }
  if (first !== undefined) add(first.reason);

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
  const shown = x.all ? matrix.accesses : mostTelling(matrix.accesses);
  for (const a of shown) for (const line of accessLines(a, x)) add(line.text, line.indent);
  more(matrix.accesses.length - shown.length, add);

  const worst = matrix.accesses.find((a) => !a.trusted);
  if (worst !== undefined) {
    head(
      worst.reach.kind === "now"
        ? "WHY IT IS EXPOSED: a request that is allowed"
        : `WHY IT IS LATENT: a request that the policy would allow`,
    );
    const { request, decision } = worst.witness;
    add(`principal ${inert(callerArn(request.caller))}`, "  ");
    add(`action    ${request.action}`, "  ");
    const pairs = [
      ...Object.entries(request.context).map(([k, v]) => [k, typeof v === "string" ? v : v.join(", ")]),
      ...Object.entries(request.encryptionContext ?? {}).map(([k, v]) => [`encryption context ${k}`, v]),
    ];
    for (const [key = "", value = ""] of x.all ? pairs : pairs.slice(0, 5))
      add(`${inert(key)} = ${inert(value)}`, "  ");
    if (!x.all) more(pairs.length - 5, add);
    const trace = x.all ? decision.trace : tellingSteps(decision.trace, worst.source);
    for (const step of trace) add(`${step.outcome}: ${inert(countedFromOne(step.text))}`, "  ");
    const weak = weakConditions(matrix, x.statements, x.variables);
    if (weak.length > 0) {
      head("CONDITIONS THAT DO NOT PROTECT");
      for (const w of x.all ? weak : weak.slice(0, 3)) {
        add(w.where, "  ");
        add(w.why, "    ");
      }
      if (!x.all) more(weak.length - 3, add);
    }
    head("WHAT WOULD CLOSE IT (each tried on this key)");
    for (const c of x.all ? x.closings : x.closings.slice(0, 3)) {
      for (const line of closingLines(c, x.all)) add(line.text, line.indent);
    }
    if (!x.all) more(x.closings.length - 3, add);
    if (x.closings.length === 0) {
      add("No single change that keyward tried closes it alone. What the findings advise:", "  ");
      for (const remedy of new Set(report.findings.map((f) => f.remedy))) add(`- ${remedy}`, "  ");
    }
  } else if (x.guards.length > 0) {
    head("WHY IT IS NOT EXPOSED (each tried on this key)");
    for (const g of x.all ? x.guards : x.guards.slice(0, 8)) add(`- ${guardText(g, x.statements)}`, "  ");
    if (!x.all) more(x.guards.length - 8, add);
  } else if (report.exposure === "none") {
    head("WHY IT IS NOT EXPOSED");
    add(
      "No statement and no grant lets in anybody outside the zone of trust, whatever the conditions.",
      "  ",
    );
  }
  if (x.users !== undefined) {
    for (const section of keyUsersLines(x.users, x.statements, x.all)) {
      head(section.title);
      for (const { text, indent } of section.lines) add(text, indent);
    }
  }
  const doubts = new Map(matrix.accesses.flatMap((a) => a.doubts.map((d) => [d.id, d.text] as const)));
  if (doubts.size > 0 || matrix.undecided.length > 0) {
    head("NOT CERTAIN");
    for (const [id, text] of doubts) add(`${id}: ${text}`, "  ");
    for (const u of matrix.undecided) add(inert(u.reason), "  ");
  }
  if (x.notes.length > 0) out.push("");
  for (const note of x.notes) add(`Note: ${note}`);
  return `${out.join("\n")}\n`;
}

/** Outsiders first, then one or two of those who are trusted: what fits on a screen. */
function mostTelling(accesses: readonly Access[]): readonly Access[] {
  const outsiders = accesses.filter((a) => !a.trusted);
  const now = outsiders.filter((a) => a.exposure !== "latent");
  const inside = accesses.filter((a) => a.trusted);
  const able = inside.filter((a) => a.reach.kind === "now");
  const trusted = able.length > 0 ? able : inside;
  const first = (now.length > 0 ? now : outsiders).slice(0, 2);
  return [...first, ...trusted.slice(0, first.length > 0 ? 1 : 4)];
}

/** The steps that let the request in: its way in, the Denies that miss it, and the decision. */
function tellingSteps(trace: readonly TraceStep[], way: Access["source"]): readonly TraceStep[] {
  const isWay = (s: TraceStep): boolean =>
    s.outcome !== "no-match" && s.source !== undefined && sameSource(s.source, way);
  const denies = trace.filter((s) => s.outcome === "no-match" && s.text.startsWith("Deny "));
  const [entrance] = trace.filter(isWay);
  const decided = trace.at(-1);
  return [
    ...(entrance === undefined ? [] : [entrance]),
    ...denies.slice(0, 2),
    ...(decided === undefined || decided === entrance ? [] : [decided]),
  ];
}

function sameSource(a: Source, b: Access["source"]): boolean {
  if (a.kind === "statement" && b.kind === "statement") return a.index === b.index;
  return a.kind === "grant" && b.kind === "grant" && a.grantId === b.grantId;
}

function more(count: number, add: (text: string, indent: string) => void): void {
  if (count > 0) add(`… and ${count} more (--all)`, "  ");
}

function closingLines(c: Closing, all: boolean): { readonly text: string; readonly indent: string }[] {
  const grants =
    c.grants.length === 0
      ? ""
      : `revoke ${c.grants.length === 1 ? "grant" : "grants"} ${inert(c.grants.join(", "), { max: 300 })}`;
  const change = changeText(c.change);
  const text = [change, grants].filter((t) => t !== "").join(", and ");
  const cut = c.cutsOff.map(
    (l) => `${inert(whoLabel(l.who))}${all ? ` (${actionsText(l.actions, 2)})` : ""}`,
  );
  return [
    { text: `- ${text}`, indent: "  " },
    {
      text:
        cut.length === 0
          ? c.ifMembers.length > 0
            ? `nobody in the zone of trust loses anything, if ${enumerate(c.ifMembers.slice(0, 5))}${c.ifMembers.length > 5 ? ` and ${c.ifMembers.length - 5} more` : ""} ${c.ifMembers.length === 1 ? "is" : "are"} in that organization`
            : "nobody in the zone of trust loses anything"
          : `in the zone of trust this takes access from ${enumerate(cut.slice(0, 3))}${cut.length > 3 ? ` and ${cut.length - 3} more` : ""}`,
      indent: "    ",
    },
  ];
}

function changeText(c: Closing["change"]): string {
  switch (c.kind) {
    case "none":
      return "";
    case "remove-statements":
      return `remove ${statementsText(c.statements)}`;
    case "remove-principals":
      return `take ${enumerate(c.principals.slice(0, 3).map((p) => inert(p, { max: 120 })))}${c.principals.length > 3 ? ` and ${c.principals.length - 3} more` : ""} out of the Principal of statement ${c.statement + 1}`;
    case "add-condition":
      return `add to ${statementsText(c.statements)}: ${c.operator} ${c.key} ${inert(c.values.join(", "), { max: 200 })}`;
  }
}

function statementsText(indexes: readonly number[]): string {
  return `${indexes.length === 1 ? "statement" : "statements"} ${enumerate(indexes.map((i) => String(i + 1)))}`;
}

/** Without which part of the policy the key would be open, in words. */
export function guardText(g: Guard, statements: readonly Statement[]): string {
  const { part } = g;
  const would =
    g.also.length === 0
      ? `without it the key would be ${OPEN_TEXT[g.without] ?? g.without}`
      : `without it and without the Deny in ${statementsText(g.also)} it would be ${OPEN_TEXT[g.without] ?? g.without}`;
  switch (part.kind) {
    case "condition": {
      const name = sourceText({ kind: "statement", index: part.statement }, statements);
      const closed = g.nobody ? "lets nobody in at all, because of" : "is closed to outsiders by";
      return `${name} ${closed} ${conditionText(part.condition)}: ${would}.`;
    }
    case "resource-control-policy":
      return `The resource control policy ${inert(part.name, { max: 80 })} keeps outsiders out: ${would}.`;
    case "deny":
      return `The Deny in ${sourceText({ kind: "statement", index: part.statement }, statements)} keeps outsiders out: ${would}.`;
    case "together":
      return `No single part closes it, but the conditions and Denies of ${statementsText(part.statements)} do together: without all of them the key would be ${OPEN_TEXT[g.without] ?? g.without}.`;
  }
}

const OPEN_TEXT: Readonly<Partial<Record<Guard["without"], string>>> = {
  public: "open to anybody with an AWS account",
  external: "open to an account or organization outside the zone of trust",
  service: "open to a service on behalf of outsiders",
  network: "open to anybody in a fixed network",
};

function accessLines(a: Access, x: Explanation): { readonly text: string; readonly indent: string }[] {
  const place = a.trusted ? "trusted" : a.exposure;
  const sure = a.certainty === "certain" ? "" : ", possibly";
  const lines = [
    { text: `${whoText(a.who).replace(/,$/, "")} (${place}${sure})`, indent: "  " },
    {
      text: `${canDo(a.capabilities, a.certainty)} (${actionsText(a.actions, x.all ? a.actions.length : 2)})`,
      indent: "    ",
    },
    { text: `through ${throughText(a, x.statements)}${reachText(a)}${todayText(a.today)}`, indent: "    " },
  ];
  return lines;
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

/** A condition that outsiders pass, or a Deny that misses them, and why. */
export interface WeakCondition {
  readonly where: string;
  readonly why: string;
}

/** The conditions of the ways in for outsiders, and of the Deny statements that do not stop them. */
export function weakConditions(
  matrix: AccessMatrix,
  statements: readonly Statement[],
  variables = true,
): WeakCondition[] {
  const out = new Map<string, WeakCondition>();
  const put = (where: string, why: string | undefined): void => {
    if (why !== undefined) out.set(`${where}|${why}`, { where, why });
  };
  const open = matrix.accesses.filter((a) => !a.trusted);
  for (const a of open) {
    for (const r of a.conditions)
      put(`${throughText(a, statements)}: ${conditionText(r.condition)}`, whyWeak(r));
    const way = a.source;
    const statement = way.kind === "statement" ? statements.find((s) => s.index === way.index) : undefined;
    for (const c of statement?.conditions ?? []) {
      put(`${throughText(a, statements)}: ${conditionText(c)}`, whyNoTest(c));
    }
  }
  if (open.length > 0) {
    for (const s of statements.filter((d) => d.effect === "Deny")) {
      for (const c of s.conditions) {
        put(`Deny in statement ${s.index + 1}: ${conditionText(c)}`, whyDenyMisses(c, variables));
      }
    }
  }
  return [...out.values()];
}

const ABSENT_OPENS = "a request that does not carry the key at all passes, too";

/** Why a condition of an Allow asks nothing of the caller; undefined where it may. */
function whyNoTest(c: Condition): string | undefined {
  switch (conditionKeyFacts(c.keyLower)?.origin) {
    case "key":
      return `${c.key} describes the key, not the caller: it is the same for everybody who asks.`;
    case "transport":
      return "every request to KMS is encrypted on its way: it holds for everybody.";
    default:
      return undefined;
  }
}

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
      if (c.keyLower === "aws:userid" && c.values.every((v) => /^A(ID|RO)A[A-Z0-9]+(:.*)?$/.test(v))) {
        return "it fixes a user or role by its unique id, which does not tell whose account that is in. If it is one of yours, name it by its ARN instead.";
      }
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
      return c.keyLower.startsWith("aws:principaltag/")
        ? "tags are set in the caller's own account: a stranger's administrator puts this tag on a role of theirs."
        : `${c.key} is set in the caller's own account: a stranger's administrator gives it any value.`;
    case "network":
      return "the network that it asks for is open to anybody, or can be had by anybody.";
    case "request":
      if (c.keyLower.startsWith("kms:encryptioncontext:")) {
        return "the encryption context is no secret: whoever makes the request writes it.";
      }
      return `${c.key} is chosen by whoever makes the request.`;
    case "free":
      return `${c.key} is chosen by whoever makes the request.`;
    default:
      return `keyward does not know ${c.key}: misspelt, or newer than its table.`;
  }
}

/** Why a Deny may pass outsiders by; undefined where nothing about the condition's form says so. */
export function whyDenyMisses(c: Condition, variables = true): string | undefined {
  const negated = c.operator.includes("Not");
  if (!variables && c.values.some((v) => v.includes("${"))) {
    return `under the policy's Version \${…} is plain text, no variable: ${negated ? "nobody has that value" : "it never matches"}. Set Version to 2012-10-17.`;
  }
  if (/^String(Not)?Equals/.test(c.operator) && c.values.some((v) => /[*?]/.test(v)) && !negated) {
    return `${c.operator} takes * and ? as they stand, so it never matches. Use StringLike.`;
  }
  if (conditionKeyFacts(c.keyLower) === undefined) {
    return `keyward does not know ${c.key}: misspelt, or newer than its table. A key that no request carries denies nothing.`;
  }
  if (c.qualifier === "ForAnyValue") {
    return "ForAnyValue never holds where the key is absent: callers without it are not denied.";
  }
  const facts = conditionKeyFacts(c.keyLower);
  if (!/Not/.test(c.operator) && !c.ifExists && c.qualifier === undefined && c.operator !== "Null") {
    if (c.keyLower === "aws:principalisawsservice") {
      return c.values.some((v) => v.toLowerCase() === "true")
        ? "it denies AWS services alone; every caller with an account stays allowed."
        : "it spares every AWS service, on whose behalf it may call.";
    }
    return facts?.origin === "caller"
      ? "it denies only those whom it lists; every other account stays allowed."
      : "it denies only where the key is there and has this value.";
  }
  if (facts?.origin === "request" || facts?.origin === "free" || facts?.origin === "caller-account") {
    return `${c.key} is in the caller's hands: a stranger chooses a value that is not denied.`;
  }
  return undefined;
}
