import pc from "picocolors";
import stringWidth from "string-width";
import { inert } from "../domain/inert.js";
import type { Severity, Verdict } from "../domain/verdict.js";
import { SEVERITIES, VERDICTS } from "../domain/verdict.js";
import type { AccountReport } from "../rules/account-report.js";
import type { Finding, FindingSource, KeyReport, Waiver } from "../rules/finding.js";
import { actionsText, canDo, enumerate, whoLabel } from "../rules/words.js";
import type { ReportTail } from "./json.js";
import type { Incomplete } from "./summary.js";
import { openSeverity } from "./summary.js";
import { wrap } from "./wrap.js";

/** How a table is written. */
export interface TableOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly color: boolean;
}

/** The keys that are shown in full; the rest is counted. */
export const SHOWN_KEYS = 50;
const SHOWN_FINDINGS = 8;
const SHOWN_INCOMPLETE = 10;

/** A key as the table keeps it until the end: where its document stands, if it was not AWS. */
export interface TableKey {
  readonly report: KeyReport;
  /** The file that it was read from, where that says more than its ARN. */
  readonly file: string | undefined;
}

/**
 * The table for people. Keys are added as they come; only the worst {@link SHOWN_KEYS} of those that are not clear are
 * kept, so that an estate of any size fits. All text that keyward did not write goes through `inert`.
 */
export class TableReport {
  private kept: TableKey[] = [];
  private left = 0;

  constructor(private readonly most = SHOWN_KEYS) {}

  add(key: TableKey): void {
    if (key.report.verdict === "clear") return;
    this.kept.push(key);
    if (this.kept.length >= this.most * 2) this.prune();
  }

  /** The whole table, with a line feed at its end. */
  render(tail: ReportTail, options: TableOptions): string {
    this.prune();
    const paper = new Paper(options);
    summaryLines(tail, paper);
    for (const key of this.kept.filter((k) => k.report.verdict !== "not-assessed")) keyLines(key, paper);
    notAssessedLines(
      this.kept.filter((k) => k.report.verdict === "not-assessed"),
      tail.incomplete,
      paper,
    );
    if (this.left > 0) {
      paper.gap();
      paper.text(
        "",
        `… and ${count(this.left, "more key")} that ${this.left === 1 ? "is" : "are"} not clear: --format json has all of them.`,
      );
    }
    for (const account of tail.accounts ?? []) accountLines(account, paper);
    configurationLines(tail, paper);
    if (tail.summary.clear > 0) {
      paper.gap();
      paper.text("", `${count(tail.summary.clear, "key")} clear.`);
    }
    if (tail.notes.length > 0) paper.gap();
    for (const note of tail.notes) paper.text("Note: ", note);
    return paper.finish();
  }

  private prune(): void {
    this.kept.sort((a, b) => order(a.report) - order(b.report) || (a.report.arn < b.report.arn ? -1 : 1));
    this.left += Math.max(0, this.kept.length - this.most);
    this.kept = this.kept.slice(0, this.most);
  }
}

/** Worst first: verdict, then severity; what is waived comes after what is not. */
function order(report: KeyReport): number {
  const severity = openSeverity(report);
  const worst = severity === undefined ? SEVERITIES.length : SEVERITIES.indexOf(severity);
  return (report.waived ? 1000 : 0) + VERDICTS.indexOf(report.verdict) * 100 + worst;
}

/** Lines of the table: wrapping, indents and colour in one place. */
class Paper {
  private readonly lines: string[] = [];
  private readonly colors: ReturnType<typeof pc.createColors>;

  constructor(private readonly options: TableOptions) {
    this.colors = pc.createColors(options.color);
  }

  /** One empty line, never two. */
  gap(): void {
    if (this.lines.length > 0 && this.lines.at(-1) !== "") this.lines.push("");
  }

  /** Wrapped text; the lines after the first are indented by the width of `lead`. */
  text(lead: string, text: string, color?: (c: Colors, lead: string) => string): void {
    const indent = " ".repeat(stringWidth(lead));
    const paint = color ?? ((_c: Colors, t: string): string => t);
    wrap(text, this.options.width - indent.length).forEach((line, i) => {
      this.lines.push(`${i === 0 ? paint(this.colors, lead) : indent}${line}`.trimEnd());
    });
  }

  finish(): string {
    return `${this.lines.join("\n")}\n`;
  }
}

type Colors = ReturnType<typeof pc.createColors>;

const VERDICT_COLOR: Readonly<Record<Verdict, (c: Colors, text: string) => string>> = {
  exposed: (c, t) => c.bold(c.red(t)),
  weak: (c, t) => c.yellow(t),
  "not-assessed": (c, t) => c.magenta(t),
  clear: (c, t) => c.green(t),
};

const SEVERITY_COLOR: Readonly<Record<Severity, (c: Colors, text: string) => string>> = {
  critical: (c, t) => c.bold(c.red(t)),
  high: (c, t) => c.red(t),
  medium: (c, t) => c.yellow(t),
  low: (c, t) => c.cyan(t),
  info: (c, t) => c.dim(t),
};

function summaryLines(tail: ReportTail, paper: Paper): void {
  const { summary: s } = tail;
  const parts = [
    `${s.exposed} exposed`,
    `${s.weak} weak`,
    `${s.notAssessed} not assessed`,
    `${s.clear} clear`,
  ];
  const more: string[] = [];
  if (s.waived > 0) more.push(`${count(s.waived, "finding")} waived`);
  if (s.gaps > 0) more.push(`${count(s.gaps, "gap")} in the data`);
  const text = `${count(s.keys, "key")}: ${parts.join(", ")}${more.length === 0 ? "" : ` (${more.join(", ")})`}`;
  paper.text("", text);
}

function keyLines(key: TableKey, paper: Paper): void {
  const { report } = key;
  paper.gap();
  headLines(key, paper);
  const shown = report.findings.filter((f) => f.severity !== "info").slice(0, SHOWN_FINDINGS);
  for (const finding of shown) findingLines(finding, paper);
  const rest = report.findings.length - shown.length;
  if (rest > 0) paper.text("  ", `… and ${count(rest, "more finding")} (--format json).`);
}

function headLines(key: TableKey, paper: Paper): void {
  const { report } = key;
  const facts = [
    report.exposure === "none" ? "" : report.exposure,
    ...report.aliases.map((a) => inert(a, { max: 60 })),
  ];
  if (report.state !== null && report.state !== "Enabled") facts.push(report.state);
  if (report.waived) facts.push("waived");
  const label = `${VERDICT_LABEL[report.verdict]}  `;
  paper.text(label, facts.filter((f) => f !== "").join(" · "), (c, t) => VERDICT_COLOR[report.verdict](c, t));
  if (key.file !== undefined) paper.text("  ", inert(key.file, { max: 300 }));
  else paper.text("  ", report.arn);
}

const VERDICT_LABEL: Readonly<Record<Verdict, string>> = {
  exposed: "EXPOSED",
  weak: "WEAK",
  "not-assessed": "NOT ASSESSED",
  clear: "CLEAR",
};

function findingLines(f: Finding, paper: Paper): void {
  const title = `${f.rule}${f.certainty === "possible" && f.exposure !== "unknown" ? " (possible)" : ""}`;
  paper.text(`  ${f.severity.padEnd(8)}  `, title, (c, t) => SEVERITY_COLOR[f.severity](c, t));
  if (f.who !== null && f.exposure !== "none" && f.exposure !== "unknown") {
    row("who", whoLabel(f.who), paper);
    row("can", `${canDo(f.capabilities, "certain").replace(/^can /, "")} (${actionsText(f.actions)})`, paper);
  } else {
    row("what", f.reason, paper);
  }
  const through = sourceLabel(f.source);
  // The sentence of a hygiene finding names its statement; only the line is news.
  const said = f.exposure === "none" && f.source.kind === "statement" && lineLabel(f.source) === "";
  if (through !== "" && !said) row("through", through, paper);
  if (f.conditions.length > 0 && f.who !== null) row("if", conditionsLabel(f), paper);
  for (const d of f.doubts.slice(0, 2)) row("doubt", d.text, paper);
  row("next", f.remedy, paper);
  if (f.waiver !== null) {
    row("waived", waiverLabel(f.waiver), paper);
  }
}

function row(label: string, text: string, paper: Paper): void {
  paper.text(`    ${label.padEnd(8)}`, text, (c, t) => c.dim(t));
}

/** `statement 2 "S" (line 14)`, `grant g1`. */
function sourceLabel(source: FindingSource): string {
  switch (source.kind) {
    case "statement": {
      const sid = source.sid === null || source.sid === "" ? "" : ` "${inert(source.sid, { max: 80 })}"`;
      return `statement ${source.index + 1}${sid}${lineLabel(source)}`;
    }
    case "grant":
      return `grant ${inert(source.grantId, { max: 80 })}`;
    case "policy":
      return `the key policy${lineLabel(source)}`;
    case "grants":
      return "";
    case "key":
      return source.arn;
    case "identity":
      return source.policy === null
        ? `the trust policy of ${inert(source.arn, { max: 160 })}`
        : `policy "${inert(source.policy, { max: 80 })}" of ${inert(source.arn, { max: 160 })}`;
  }
}

/** A policy on a single line, as APIs return them, has no lines to look for. */
function lineLabel(source: { readonly line?: number; readonly column?: number }): string {
  if (source.line === undefined || source.line === 1) return "";
  return source.column === undefined
    ? ` (line ${source.line})`
    : ` (line ${source.line}, column ${source.column})`;
}

function conditionsLabel(f: Finding): string {
  const said = f.conditions.slice(0, 4).map((c) => {
    const values = c.values.slice(0, 3).map((v) => inert(v, { max: 60 }));
    if (c.values.length > 3) values.push("…");
    return `${c.operator} ${inert(c.key, { max: 80 })} ${values.join(" or ")}`;
  });
  if (f.conditions.length > 4) said.push(`${f.conditions.length - 4} more conditions`);
  return enumerate(said);
}

function notAssessedLines(keys: readonly TableKey[], incomplete: readonly Incomplete[], paper: Paper): void {
  for (const key of keys) keyLines(key, paper);
  if (incomplete.length === 0) return;
  paper.gap();
  paper.text("NOT READ  ", count(incomplete.length, "gap"), (c, t) => VERDICT_COLOR["not-assessed"](c, t));
  const groups = grouped(incomplete);
  for (const group of groups.slice(0, SHOWN_INCOMPLETE)) {
    const [first] = group;
    if (first === undefined) continue;
    const more = group.length > 1 ? `, and ${count(group.length - 1, "more place")}` : "";
    paper.text("  ", `${inert(first.where, { max: 300 })}${more}`);
    row("call", `${inert(first.call, { max: 80 })}: ${inert(first.code, { max: 200 })}`, paper);
    row("next", inert(first.help, { max: 300 }), paper);
  }
  const rest = groups.length - SHOWN_INCOMPLETE;
  if (rest > 0) paper.text("  ", `… and ${count(rest, "more kind")} of gaps (--format json).`);
}

/** The same call that failed in the same way in many places is one thing to do. */
function grouped(incomplete: readonly Incomplete[]): Incomplete[][] {
  const groups = new Map<string, Incomplete[]>();
  for (const i of incomplete) {
    const key = JSON.stringify([i.call, i.code, i.help]);
    const same = groups.get(key);
    if (same === undefined) groups.set(key, [i]);
    else same.push(i);
  }
  return [...groups.values()].sort((a, b) => b.length - a.length);
}

/** What is wrong with the IAM of an account; nothing where nothing is. */
function accountLines(report: AccountReport, paper: Paper): void {
  const shown = report.findings.filter((f) => f.severity !== "info");
  if (shown.length === 0) return;
  paper.gap();
  paper.text("IAM  ", `account ${report.accountId}`, (c, t) => c.yellow(t));
  for (const f of shown.slice(0, SHOWN_FINDINGS)) {
    paper.text(`  ${f.severity.padEnd(8)}  `, f.rule, (c, t) => SEVERITY_COLOR[f.severity](c, t));
    row("what", f.reason, paper);
    row("next", f.remedy, paper);
    if (f.waiver !== null) row("waived", waiverLabel(f.waiver), paper);
  }
  const rest = report.findings.length - Math.min(shown.length, SHOWN_FINDINGS);
  if (rest > 0) paper.text("  ", `… and ${count(rest, "more finding")} (--format json).`);
}

function waiverLabel({ owner, expires, reason }: Waiver): string {
  return `by ${inert(owner, { max: 80 })} until ${inert(expires)}: ${inert(reason, { max: 200 })}`;
}

function configurationLines(tail: ReportTail, paper: Paper): void {
  for (const f of tail.configurationFindings) {
    paper.gap();
    paper.text(`${f.severity.padEnd(8)}  `, f.rule, (c, t) => SEVERITY_COLOR[f.severity](c, t));
    row("what", f.reason, paper);
    row("where", inert(f.where, { max: 200 }), paper);
    row("next", f.remedy, paper);
  }
}

/** "1 key", "2 keys". */
function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
