import type { KeyReport } from "../rules/finding.js";
import { hashedId } from "../rules/identity.js";
import type { KeyNames } from "../rules/likeness.js";
import { hasStandIn } from "../rules/word-holes.js";
import { keyNameKeys, knownContext } from "../semantics/derive-context.js";
import type { KeyFacts } from "../domain/key.js";
import { safeJson } from "./json.js";
import type { Outline } from "./summary.js";
import { outlineOf } from "./summary.js";

/** Takes the place of a key's aliases while a template is made. Tags are left out. */
export const ALIASES_HOLE = "alias/keyward-names-of-the-key";

type Slot =
  | { readonly kind: "arn" | "account" | "path" | "region" | "aliases" | "names" }
  | { readonly kind: "opaque" | "finding" | "word"; readonly index: number };

/** The names that a report is written with. */
export interface ReportNames extends KeyNames {
  /** What stand-ins of rules/word-holes.ts stand for, by number. */
  readonly words: readonly string[];
}

/** A text with places to be filled in: one piece more than slots. */
interface Gapped {
  readonly pieces: readonly string[];
  readonly slots: readonly Slot[];
}

/**
 * The report of one key as JSON text, to be written for every key that is like it (rules/likeness.ts) with its own
 * names. What it gives is byte for byte what judging that key and `safeJson` would.
 */
export class KeyTemplate {
  private constructor(
    private readonly report: Gapped,
    /** What finding ids are made of, and what is put after them where two findings have the same. */
    private readonly identities: readonly { readonly text: Gapped; readonly suffix: string }[],
    /** For the counts of an audit, which need nothing else. All its findings are open. */
    readonly outline: Outline,
    /** The rules of its findings. */
    readonly rules: ReadonlySet<string>,
    /** About the memory that it takes, in bytes. */
    readonly size: number,
  ) {}

  /**
   * @param report of a key whose aliases are {@link ALIASES_HOLE} alone and whose tags are not known
   * @param names those of the key; its words are the stand-ins
   * @returns undefined where a name of the key would be left in the text
   */
  static of(report: KeyReport, identities: readonly string[], names: ReportNames): KeyTemplate | undefined {
    const ids = report.findings.map((f) => f.id);
    if (new Set(ids).size !== ids.length) return undefined;
    const cut = cutter(names, ids);
    const whole = cut(safeJson(report));
    const texts = identities.map((text, i) => ({ text: cut(text), suffix: (ids[i] ?? "").slice(20) }));
    const keyId = names.arn.slice(names.arn.lastIndexOf("/") + 1);
    const pieces = [whole, ...texts.map((t) => t.text)].flatMap((g) => g.pieces);
    // A text that was shortened may end within a name.
    const left = (p: string): boolean => p.includes(keyId) || p.includes(ALIASES_HOLE) || p.includes("…");
    if (pieces.some(left)) return undefined;
    if (names.words.length > 0 && pieces.some(hasStandIn)) return undefined;
    return new KeyTemplate(
      whole,
      texts,
      outlineOf(report),
      new Set(report.findings.map((f) => f.rule)),
      pieces.reduce((sum, p) => sum + p.length + 48, 400),
    );
  }

  /** The report of a key. `names` are those of the key, `facts` give its aliases and tags. */
  render(names: ReportNames, facts: Pick<KeyFacts, "aliases" | "tags">): string {
    if (this.identities.length === 0) return fill(this.report, names, NO_IDS, facts);
    const ids = this.identities.map(
      ({ text, suffix }) => hashedId(fill(text, names, NO_IDS, facts)) + suffix,
    );
    return fill(this.report, names, ids, facts);
  }
}

const NO_IDS: readonly string[] = [];

/** Cuts texts at the names of a key. Where one name begins within another, the one that begins first counts. */
function cutter(names: ReportNames, findingIds: readonly string[]): (text: string) => Gapped {
  const slots = new Map<string, Slot>();
  slots.set(names.arn, { kind: "arn" });
  slots.set(`,"kms:ResourceAliases":"${ALIASES_HOLE}"`, { kind: "names" });
  slots.set(`["${ALIASES_HOLE}"]`, { kind: "aliases" });
  if (names.account !== undefined) slots.set(names.account, { kind: "account" });
  if (names.path !== undefined) slots.set(names.path, { kind: "path" });
  if (names.region !== undefined) slots.set(names.region, { kind: "region" });
  names.opaque.forEach((id, index) => slots.set(id, { kind: "opaque", index }));
  findingIds.forEach((id, index) => slots.set(`"id":"${id}"`, { kind: "finding", index }));
  names.words.forEach((word, index) => slots.set(word, { kind: "word", index }));
  return (text) => {
    const found: { readonly at: number; readonly end: number; readonly slot: Slot }[] = [];
    for (const [name, slot] of slots) {
      for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
        found.push({ at, end: at + name.length, slot });
      }
    }
    // Stable: of two that begin in one place, the one that was set first.
    found.sort((a, b) => a.at - b.at);
    const pieces: string[] = [];
    const cut: Slot[] = [];
    let start = 0;
    for (const { at, end, slot } of found) {
      if (at < start) continue;
      pieces.push(text.slice(start, at));
      cut.push(slot);
      start = end;
    }
    pieces.push(text.slice(start));
    return { pieces, slots: cut };
  };
}

function fill(
  text: Gapped,
  names: ReportNames,
  findingIds: readonly string[],
  facts: Pick<KeyFacts, "aliases" | "tags">,
): string {
  const { pieces, slots } = text;
  let out = pieces[0] ?? "";
  let named: string | undefined;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i];
    switch (slot?.kind) {
      case "arn":
        out += names.arn;
        break;
      case "account":
        out += names.account ?? "";
        break;
      case "path":
        out += names.path ?? "";
        break;
      case "region":
        out += names.region ?? "";
        break;
      case "opaque":
        out += names.opaque[slot.index] ?? "";
        break;
      case "word":
        out += names.words[slot.index] ?? "";
        break;
      case "finding":
        out += `"id":"${findingIds[slot.index] ?? ""}"`;
        break;
      case "aliases":
        out += safeJson(facts.aliases ?? []);
        break;
      case "names":
        out += named ??= namesInContext(facts);
        break;
      case undefined:
        break;
    }
    out += pieces[i + 1] ?? "";
  }
  return out;
}

/** Aliases and tags as a witness shows them among its condition keys. */
function namesInContext(facts: Pick<KeyFacts, "aliases" | "tags">): string {
  const rows = Object.entries(keyNameKeys(facts));
  const entries = new Map(rows.map(([name, entry]) => [name.toLowerCase(), entry] as const));
  const text = safeJson(knownContext({ entries: () => entries })).slice(1, -1);
  return text === "" ? "" : `,${text}`;
}
