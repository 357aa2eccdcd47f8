import pc from "picocolors";
import type { Source } from "../semantics/request.js";
import { inert } from "../domain/inert.js";
import type { Statement } from "../policy/ast.js";
import { actionsText, enumerate, sourceText, whoLabel } from "../rules/words.js";
import type { DiffChange, DiffGains, DiffSummary, KeyDiff } from "./diff.js";
import { wrap } from "./wrap.js";

/** How the text is written. */
export interface DiffTextOptions {
  readonly width: number;
  readonly color: boolean;
}

/** The statements of both sides, for the names of their parts. */
export interface DiffStatements {
  readonly old: readonly Statement[];
  readonly new: readonly Statement[];
}

/** One key of `keyward diff` in words. */
export function keyDiffText(d: KeyDiff, statements: DiffStatements, o: DiffTextOptions): string {
  const colors = pc.createColors(o.color);
  const out: string[] = [];
  const add = (text: string, indent: string): void => {
    for (const line of wrap(text, Math.max(30, o.width - indent.length))) out.push(indent + line);
  };
  for (const line of wrap(inert(d.arn), o.width)) out.push(colors.bold(line));
  add(headline(d), "  ");
  if (d.facts.length > 0) add(`Other facts that differ: ${d.facts.join(", ")}.`, "  ");
  const part = (
    title: string,
    mark: string,
    g: DiffGains,
    here: readonly Statement[],
    there: readonly Statement[],
  ): void => {
    if (g.changes.length === 0 && g.undecided.length === 0) return;
    out.push("", `  ${colors.bold(title)}`);
    for (const c of g.changes) changeLines(c, mark, here, there, add);
    for (const u of g.undecided) {
      const who = u.who === null ? "" : ` (${whoLabel(u.who)})`;
      add(`? not decided: ${inert(u.reason)}${who}`, "  ");
    }
  };
  part("GAINED", "+", d.gained, statements.new, statements.old);
  part("LOST", "-", d.lost, statements.old, statements.new);
  return `${out.join("\n")}\n\n`;
}

function headline(d: KeyDiff): string {
  switch (d.change) {
    case "added":
      return "New key. What callers outside the zone of trust can do with it counts as gained.";
    case "removed":
      return "The key is gone. What callers outside the zone of trust could do with it counts as lost.";
    case "changed":
    case "unchanged":
      if (d.meaning === "same") {
        return d.textChanged
          ? "Same meaning: the text differs, and every request is answered alike."
          : "Same meaning.";
      }
      return d.meaning === "different" ? "The meaning changed." : "Whether the meaning changed is not known.";
  }
}

function changeLines(
  c: DiffChange,
  mark: string,
  here: readonly Statement[],
  there: readonly Statement[],
  add: (text: string, indent: string) => void,
): void {
  const where = c.trusted ? "trusted" : "outside";
  const sure = c.certainty === "certain" ? "" : ", possibly";
  add(`${mark} ${whoLabel(c.who)} (${where}${sure}): ${enumerate(c.capabilities)}`, "  ");
  add(actionsText(c.actions, 6), "      ");
  add(`through ${partText(c.source, here)}${reachText(c.reach)}`, "      ");
  const side = mark === "+" ? "before" : "now";
  add(
    c.before.kind === "denied"
      ? `${side} denied by ${partText(c.before.by, there)}`
      : `${side} nothing allows it`,
    "      ",
  );
  const context = Object.entries(c.witness.context)
    .filter(([key]) => !DERIVED.test(key))
    .map(
      ([key, value]) =>
        `${inert(key)}=${inert(typeof value === "string" ? value : value.join(","), { max: 120 })}`,
    );
  const with_ = context.length === 0 ? "" : ` with ${context.join(", ")}`;
  add(`proof: ${inert(c.witness.principal, { max: 200 })} ${c.witness.action}${with_}`, "      ");
  for (const d of c.doubts) add(`not certain: ${d.id}: ${d.text}`, "      ");
}

/** What follows from the caller, the key and the clock: a reader knows it already. */
const DERIVED =
  /^(kms:CallerAccount|aws:(Principal(Account|Arn|Type|IsAWSService|ServiceName|ServiceNamesList)|userid|username|SecureTransport|CurrentTime|EpochTime|Resource.*|RequestedRegion|ViaAWSService)|kms:(Key|CustomerMasterKey|MultiRegion|ResourceAliases).*)$/i;

function partText(source: Source, statements: readonly Statement[]): string {
  switch (source.kind) {
    case "statement":
    case "grant":
      return sourceText(source, statements);
    case "resource-control-policy":
      return `resource control policy ${source.policy + 1}, statement ${source.statement + 1}`;
    case "identity":
    case "boundary":
    case "session-policy":
    case "service-control-policy":
    case "kms-rule":
      return source.kind;
  }
}

function reachText(reach: DiffChange["reach"]): string {
  switch (reach.kind) {
    case "now":
      return "";
    case "not-across-accounts":
      return "; KMS does not offer this across accounts today";
    case "key-state":
      return `; once the key is no longer ${inert(reach.state)}`;
    case "not-before":
      return `; from ${new Date(reach.time * 1000).toISOString()} on`;
  }
}

/** The last lines. */
export function diffSummaryText(s: DiffSummary, notes: readonly string[], o: DiffTextOptions): string {
  const out: string[] = [];
  const parts = [
    `${s.unchanged} unchanged`,
    `${s.changed} changed`,
    ...(s.added > 0 ? [`${s.added} added`] : []),
    ...(s.removed > 0 ? [`${s.removed} removed`] : []),
  ];
  const lines = [
    `${s.keys} ${s.keys === 1 ? "key" : "keys"}: ${parts.join(", ")}.`,
    `Gained on ${s.gained}, lost on ${s.lost}, same meaning in another text on ${s.sameMeaning}, not known on ${s.unknown}.`,
    ...notes.map((n) => `Note: ${n}`),
  ];
  for (const line of lines) out.push(...wrap(line, o.width));
  return `${out.join("\n")}\n`;
}
