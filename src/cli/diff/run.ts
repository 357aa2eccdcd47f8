import { inert } from "../../domain/inert.js";
import { type Difference, diffDocuments, type DiffSide, type Gains } from "../../access/diff.js";
import type { KeyFacts, KeyRecord } from "../../domain/key.js";
import { KeywardError } from "../../domain/result.js";
import type { Statement } from "../../policy/ast.js";
import { parsePolicy } from "../../policy/parse.js";
import { DIFF_SCHEMA, type DiffSummary, keyDiff, type KeyChange, type KeyDiff } from "../../report/diff.js";
import { diffSummaryText, keyDiffText } from "../../report/diff-text.js";
import { safeJson } from "../../report/json.js";
import { Estate, keyRecord } from "../../snapshot/key-record.js";
import type { Config } from "../../trust/config.js";
import { assumeOwnOrganization, zoneOf } from "../../trust/zone.js";
import { findInputs, type Input } from "../check/inputs.js";
import { type PolicyFile, readPolicyFile } from "../check/policy-file.js";
import type { Io } from "../command.js";
import { loadConfigFile } from "../config-file.js";
import type { DiffFlags } from "./flags.js";
import { EXIT, type ExitCode } from "../exit.js";
import { wantsColor } from "../options.js";
import { openOutput, type Output } from "../output.js";
import { toolVersion } from "../version.js";
import { type Pair, type PairContext, snapshotPairs } from "./pairs.js";

/** Compares two files. */
export async function runDiff(older: string, newer: string, flags: DiffFlags, io: Io): Promise<ExitCode> {
  const config = await loadConfigFile(flags.config);
  if (older === "-" && newer === "-") {
    throw new KeywardError({
      what: "only one of the two sides can be stdin",
      next: "name a file for the other",
    });
  }
  const oldInputs = await findInputs([older], io.stdin ?? process.stdin);
  const newInputs = await findInputs([newer], io.stdin ?? process.stdin);
  try {
    const problem = oldInputs.problems[0] ?? newInputs.problems[0];
    if (problem !== undefined) throw new KeywardError(problem);
    const before = single(oldInputs.files, older);
    const after = single(newInputs.files, newer);
    if (before.kind !== after.kind) {
      throw new KeywardError({
        what: "a policy can only be compared with a policy, and a snapshot with a snapshot",
        where: `${before.name} and ${after.name}`,
        got: `a ${before.kind} and a ${after.kind}`,
        next: "name two files of one kind",
      });
    }
    const output = await openOutput(flags.output, io);
    try {
      const code = await new DiffRun(config, flags, io, output, before, after).all();
      await output.finish();
      return code;
    } catch (error) {
      await output.discard();
      throw error;
    }
  } finally {
    await oldInputs.dispose();
    await newInputs.dispose();
  }
}

function single(files: readonly Input[], path: string): Input {
  const [only, ...more] = files;
  if (only === undefined || more.length > 0) {
    throw new KeywardError({
      what: "a comparison takes one file on each side",
      where: path,
      got: `${files.length} files`,
      next: "name one policy or one snapshot",
    });
  }
  return only;
}

class DiffRun {
  private readonly context: PairContext = {
    old: new Estate(),
    new: new Estate(),
    incomplete: [],
    unchanged: 0,
  };
  private readonly notes: string[] = [];
  private readonly now: number;
  private readonly counts = {
    keys: 0,
    changed: 0,
    unchanged: 0,
    added: 0,
    removed: 0,
    sameMeaning: 0,
    gained: 0,
    lost: 0,
    unknown: 0,
  };
  private disagreements = 0;
  private first = true;

  constructor(
    private readonly config: Config,
    private readonly flags: DiffFlags,
    private readonly io: Io,
    private readonly output: Output,
    private readonly before: Input,
    private readonly after: Input,
  ) {
    this.now = Math.floor(io.now() / 1000);
  }

  async all(): Promise<ExitCode> {
    if (this.flags.format === "json") await this.output.write(this.head());
    const pairs =
      this.before.kind === "snapshot"
        ? snapshotPairs(this.before, this.after, this.context)
        : this.policies();
    for await (const pair of pairs) await this.pair(pair);
    const summary: DiffSummary = {
      ...this.counts,
      keys: this.counts.keys + this.context.unchanged,
      unchanged: this.counts.unchanged + this.context.unchanged,
    };
    for (const gap of this.context.incomplete.slice(0, 10)) {
      this.notes.push(`Not read by the scan: ${inert(gap.where)} (${inert(gap.call)}: ${inert(gap.code)}).`);
    }
    if (this.context.incomplete.length > 10) {
      this.notes.push(`${this.context.incomplete.length - 10} further gaps of the scans.`);
    }
    if (this.config.where === undefined) {
      this.notes.push("There is no keyward.yaml: nobody is trusted but each key's own account.");
    }
    if (this.flags.format === "json") await this.output.write(this.tail(summary));
    else await this.output.write(diffSummaryText(summary, this.notes, this.look()));
    if (this.disagreements > 0) return EXIT.disagreement;
    if (summary.gained > 0) return EXIT.exposed;
    return summary.unknown > 0 || this.context.incomplete.length > 0 ? EXIT.incomplete : EXIT.clear;
  }

  private head(): string {
    const generatedAt = new Date(this.now * 1000).toISOString().replace(".000Z", "Z");
    const members = [
      `"schema": ${safeJson(DIFF_SCHEMA)}`,
      `"tool": ${safeJson({ name: "keyward", version: toolVersion() })}`,
      `"generatedAt": ${safeJson(generatedAt)}`,
      `"old": ${safeJson(this.before.name)}`,
      `"new": ${safeJson(this.after.name)}`,
    ];
    return `{\n${members.map((m) => `  ${m},\n`).join("")}  "keys": [`;
  }

  private tail(summary: DiffSummary): string {
    const { incomplete } = this.context;
    const gaps = incomplete.slice(0, 10_000).map(({ where, call, code }) => ({ where, call, code }));
    return `${this.first ? "" : "\n  "}],\n  "notes": ${safeJson(this.notes)},\n  "incomplete": ${safeJson(gaps)},\n  "summary": ${safeJson(summary)}\n}\n`;
  }

  private look(): { readonly width: number; readonly color: boolean } {
    const width = this.flags.output === undefined ? (this.io.stdout.columns ?? 80) : 80;
    return { width: Math.min(Math.max(width, 40), 120), color: wantsColor(this.flags, this.io) };
  }

  /** Two bare policies are those of one key. */
  private async *policies(): AsyncGenerator<Pair> {
    const [a, b] = [await this.policy(this.before), await this.policy(this.after)];
    // A text that is no JSON does not tell whose key it belongs to: then the other one does.
    const told = [a, b].filter((p) => !p.assumptions.has("account-unknown"));
    if (this.flags.account === undefined && told.length === 2 && a.account !== b.account) {
      throw new KeywardError({
        what: "the two policies seem to belong to keys of different accounts",
        where: `${this.before.name} and ${this.after.name}`,
        expected: "two states of one key's policy",
        got: `${a.account} and ${b.account}`,
        next: "say whose key it is with --account",
      });
    }
    // The side that names its key tells which key both are about.
    const sides = told.length === 1 ? told : [b, a];
    const named = sides.find((p) => !p.assumptions.has("made-up-key-id")) ?? sides[0] ?? b;
    const arn = named.line.arn;
    if (told.length > 0 || this.flags.account !== undefined)
      this.notes.push(`The policies were taken to be those of a key of account ${named.account}.`);
    this.notes.push("Policy files hold no grants: those were not compared.");
    yield {
      old: keyRecord({ ...a.line, arn }, this.context.old),
      new: keyRecord({ ...b.line, arn }, this.context.new),
    };
  }

  private async policy(input: Input): Promise<PolicyFile> {
    const read = await readPolicyFile(input, this.flags);
    if (!read.ok) throw new KeywardError({ ...read.error, next: "say whose key it is with --account" });
    return read.value;
  }

  private async pair({ old, new: next }: Pair): Promise<void> {
    const record = next ?? old;
    if (record === undefined) return;
    const estate = next === undefined ? this.context.old : this.context.new;
    const zone = zoneOf(this.config, estate.organizations);
    const { facts } = assumeOwnOrganization(record.facts, zone, estate.listed);
    const changed = old !== undefined && next !== undefined ? factsThatDiffer(old.facts, next.facts) : [];
    const asked = changed.filter((f) => asksAbout(f, [old, next]));
    const difference = this.narrowed(
      diffDocuments({
        facts,
        old: sideOf(old),
        new: sideOf(next),
        zone,
        organizationOf: estate.organizationOf,
        now: this.now,
      }),
      old,
      next,
      asked,
    );
    this.report(difference, record);
    const change: KeyChange =
      old === undefined
        ? "added"
        : next === undefined
          ? "removed"
          : sameText(old, next)
            ? "unchanged"
            : "changed";
    const diff = keyDiff(
      { arn: record.facts.arn, change, textChanged: change !== "unchanged", facts: changed },
      difference,
      { facts, policy: NO_POLICY, grants: [], resourceControlPolicies: [] },
    );
    this.count(diff);
    await this.write(diff, old, next);
  }

  /** Of a key that is new or gone, what outsiders can do with it counts: its owner has it, of course. */
  private narrowed(
    d: Difference,
    old: KeyRecord | undefined,
    next: KeyRecord | undefined,
    asked: readonly string[],
  ): Difference {
    let { gained, lost } = d;
    if (old === undefined) gained = outsiders(gained);
    if (next === undefined) lost = outsiders(lost);
    for (const fact of asked) {
      const reason = `${fact} of the key changed, and a condition asks about it`;
      const more = { who: undefined, source: undefined, reason };
      const unsure = (g: Gains): Gains => ({
        ...g,
        verdict: g.verdict === "nothing" ? "unknown" : g.verdict,
        undecided: [...g.undecided, more],
      });
      gained = unsure(gained);
      lost = unsure(lost);
    }
    return { gained, lost, sameMeaning: gained.verdict === "nothing" && lost.verdict === "nothing" };
  }

  private report({ gained, lost }: Difference, record: KeyRecord): void {
    const all = [...gained.disagreements, ...lost.disagreements];
    if (all.length === 0) return;
    this.disagreements += 1;
    this.io.stderr.write(`keyward: its two engines disagree about ${record.facts.arn}; please report it:\n`);
    for (const text of all) this.io.stderr.write(`  ${text}\n`);
  }

  private count(d: KeyDiff): void {
    this.counts.keys += 1;
    this.counts[d.change] += 1;
    if (d.change === "changed" && d.meaning === "same") this.counts.sameMeaning += 1;
    if (d.gained.verdict === "something") this.counts.gained += 1;
    if (d.lost.verdict === "something") this.counts.lost += 1;
    if (d.gained.verdict === "unknown" || d.lost.verdict === "unknown") this.counts.unknown += 1;
  }

  private async write(d: KeyDiff, old: KeyRecord | undefined, next: KeyRecord | undefined): Promise<void> {
    if (this.flags.format === "json") {
      await this.output.write(`${this.first ? "" : ","}\n    ${safeJson(d)}`);
      this.first = false;
      return;
    }
    const statements = { old: statementsOf(old), new: statementsOf(next) };
    await this.output.write(keyDiffText(d, statements, this.look()));
  }
}

const NO_POLICY = { version: "2012-10-17", id: undefined, statements: [] } as const;
const NOTHING: DiffSide = {
  policy: { kind: "absent" },
  grants: { kind: "absent" },
  resourceControlPolicies: [],
};

function sideOf(record: KeyRecord | undefined): DiffSide {
  return record ?? NOTHING;
}

function outsiders(g: Gains): Gains {
  const changes = g.changes.filter((c) => !c.trusted);
  if (g.verdict !== "something") return { ...g, changes };
  const rest = g.undecided.length > 0 ? "unknown" : "nothing";
  return { ...g, changes, verdict: changes.length > 0 ? "something" : rest };
}

function statementsOf(record: KeyRecord | undefined): readonly Statement[] {
  if (record?.policy.kind !== "present") return [];
  return parsePolicy(record.policy.value, { kind: "key" }).policy?.statements ?? [];
}

function sameText(a: KeyRecord, b: KeyRecord): boolean {
  const text = (r: KeyRecord): string =>
    JSON.stringify([r.policy, r.grants, [...r.resourceControlPolicies].sort()]);
  return text(a) === text(b);
}

const FACTS = [
  "state",
  "spec",
  "usage",
  "origin",
  "multiRegion",
  "multiRegionKeyType",
  "tags",
  "aliases",
  "organization",
] as const;

function factsThatDiffer(a: KeyFacts, b: KeyFacts): string[] {
  return FACTS.filter((f) => JSON.stringify(a[f] ?? null) !== JSON.stringify(b[f] ?? null));
}

/** Words of the condition keys that hold a fact. The state of a key is in none. */
const ASKED: Readonly<Record<string, RegExp>> = {
  spec: /keyspec/i,
  usage: /keyusage/i,
  origin: /keyorigin/i,
  multiRegion: /kms:multiregion/i,
  multiRegionKeyType: /kms:multiregion/i,
  tags: /resourcetag/i,
  aliases: /resourcealiases/i,
  organization: /resourceorg/i,
};

/** Whether a document may ask about a fact; a text with escapes may spell the key's name in them. */
function asksAbout(fact: string, records: readonly (KeyRecord | undefined)[]): boolean {
  const words = ASKED[fact];
  if (words === undefined) return false;
  return records.some((r) => {
    if (r === undefined) return false;
    const texts = [...(r.policy.kind === "present" ? [r.policy.value] : []), ...r.resourceControlPolicies];
    return texts.some((t) => words.test(t) || t.includes("\\u"));
  });
}
