import type { KeyReport } from "../rules/finding.js";
import { hashedId } from "../rules/identity.js";
import type { KeyNames } from "../rules/likeness.js";
import { keyNameKeys, knownContext } from "../semantics/derive-context.js";
import type { KeyFacts } from "../domain/key.js";
import { safeJson } from "./json.js";
import type { Outline } from "./summary.js";
import { outlineOf } from "./summary.js";

/** Takes the place of a key's aliases while a template is made. Tags are left out. */
export const ALIASES_HOLE = "alias/keyward-names-of-the-key";

type Slot =
  | { readonly kind: "arn" | "account" | "path" | "aliases" | "names" }
  | { readonly kind: "opaque" | "finding"; readonly index: number };

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
   * @returns undefined where a name of the key would be left in the text
   */
  static of(report: KeyReport, identities: readonly string[], names: KeyNames): KeyTemplate | undefined {
    const ids = report.findings.map((f) => f.id);
    if (new Set(ids).size !== ids.length) return undefined;
    const cut = cutter(names, ids);
    const whole = cut(safeJson(report));
    const texts = identities.map((text, i) => ({ text: cut(text), suffix: (ids[i] ?? "").slice(20) }));
    const keyId = names.arn.slice(names.arn.lastIndexOf("/") + 1);
    const pieces = [whole, ...texts.map((t) => t.text)].flatMap((g) => g.pieces);
    if (pieces.some((p) => p.includes(keyId) || p.includes(ALIASES_HOLE))) return undefined;
    return new KeyTemplate(
      whole,
      texts,
      outlineOf(report),
      new Set(report.findings.map((f) => f.rule)),
      pieces.reduce((sum, p) => sum + p.length + 48, 400),
    );
  }

  /** The report of a key. `names` are those of the key, `facts` give its aliases and tags. */
  render(names: KeyNames, facts: Pick<KeyFacts, "aliases" | "tags">): string {
    const ids = this.identities.map(({ text, suffix }) => hashedId(fill(text, names, [], facts)) + suffix);
    return fill(this.report, names, ids, facts);
  }
}

/** Cuts texts at the names of a key. */
function cutter(names: KeyNames, findingIds: readonly string[]): (text: string) => Gapped {
  const slots = new Map<string, Slot>();
  slots.set(names.arn, { kind: "arn" });
  slots.set(`,"kms:ResourceAliases":"${ALIASES_HOLE}"`, { kind: "names" });
  slots.set(`["${ALIASES_HOLE}"]`, { kind: "aliases" });
  if (names.account !== undefined) slots.set(names.account, { kind: "account" });
  if (names.path !== undefined) slots.set(names.path, { kind: "path" });
  names.opaque.forEach((id, index) => slots.set(id, { kind: "opaque", index }));
  findingIds.forEach((id, index) => slots.set(`"id":"${id}"`, { kind: "finding", index }));
  const anySlot = new RegExp([...slots.keys()].map(escaped).join("|"), "g");
  return (text) => {
    const pieces: string[] = [];
    const found: Slot[] = [];
    let start = 0;
    for (const m of text.matchAll(anySlot)) {
      const slot = slots.get(m[0]);
      if (slot === undefined) continue;
      pieces.push(text.slice(start, m.index));
      found.push(slot);
      start = m.index + m[0].length;
    }
    pieces.push(text.slice(start));
    return { pieces, slots: found };
  };
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function fill(
  text: Gapped,
  names: KeyNames,
  findingIds: readonly string[],
  facts: Pick<KeyFacts, "aliases" | "tags">,
): string {
  let out = text.pieces[0] ?? "";
  let named: string | undefined;
  for (const [i, slot] of text.slots.entries()) {
    switch (slot.kind) {
      case "arn":
        out += names.arn;
        break;
      case "account":
        out += names.account ?? "";
        break;
      case "path":
        out += names.path ?? "";
        break;
      case "opaque":
        out += names.opaque[slot.index] ?? "";
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
    }
    out += text.pieces[i + 1] ?? "";
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
