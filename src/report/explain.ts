import pc from "picocolors";
import type { Access, AccessMatrix } from "../access/matrix.js";
import { inert } from "../domain/inert.js";
import type { Statement } from "../policy/ast.js";
import { callerArn } from "../semantics/arn.js";
import type { Source, TraceStep } from "../semantics/request.js";
import { todayText } from "../rules/exposure-draft.js";
import type { KeyReport } from "../rules/finding.js";
import type { KeyUsers } from "../rules/key-users.js";
import type { Closing } from "../rules/closings.js";
import type { Guard } from "../rules/guards.js";
import type { OtherUsers } from "../rules/other-users.js";
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
import type { KeyFacts } from "./key-facts.js";
import { keyFactsLines } from "./key-facts.js";
import { keyUsersLines } from "./key-users.js";
import { otherUsersLines } from "./other-users.js";
import { throughText, weakConditions } from "./weak-conditions.js";
import { wrap } from "./wrap.js";

/** What the JSON form says that it is; fields are only ever added under one name. */
export const EXPLANATION_SCHEMA = "keyward.explanation/1";

/** What `keyward explain` shows of one key. */
export interface Explanation {
  readonly report: KeyReport;
  /** Names, tags, rotation, last use. */
  readonly facts: KeyFacts;
  /** Of all callers, the trusted ones too. */
  readonly matrix: AccessMatrix;
  readonly statements: readonly Statement[];
  /** Whether `${…}` are variables: the policy's Version is 2012-10-17. */
  readonly variables: boolean;
  readonly closings: readonly Closing[];
  readonly guards: readonly Guard[];
  /** Who in the key's account can use it; undefined where nothing of its IAM was read. */
  readonly users: KeyUsers | undefined;
  /** Who in other accounts can; undefined where the policy of the key was not read. */
  readonly others: OtherUsers | undefined;
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
  const facts = keyFactsLines(x.facts, x.all);
  if (facts.length > 0) head("THE KEY");
  for (const fact of facts) add(fact, "  ");

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
  if (x.others !== undefined) {
    for (const section of otherUsersLines(x.others, x.statements, x.all)) {
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
