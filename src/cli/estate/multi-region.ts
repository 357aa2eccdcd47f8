import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Exposure } from "../../domain/verdict.js";
import { EXPOSURES } from "../../domain/verdict.js";
import { safeJson } from "../../report/json.js";
import type { Outline } from "../../report/summary.js";
import { outlineOf } from "../../report/summary.js";
import type { KeyReport } from "../../rules/finding.js";
import type { WaiverOf } from "../../rules/sibling-open.js";
import { familyOf, withSiblings } from "../../rules/sibling-open.js";

/** A multi-Region key, judged by itself. */
export interface MultiRegionKey {
  readonly arn: string;
  /** Its report as `safeJson` writes it. */
  readonly text: string;
  readonly file: string | undefined;
  readonly outline: Outline;
  /** ARNs of the other keys of its family, as KMS lists them. Empty where it was not asked or there are none. */
  readonly related: readonly string[];
}

/** A key of a family that was not read, and one of those that were. */
export interface UnseenSibling {
  readonly arn: string;
  readonly of: string;
}

interface Kept {
  readonly arn: string;
  readonly file: string | undefined;
  readonly outline: Outline;
}

/** Characters that are compressed together. */
const BLOCK = 256 * 1024;

/**
 * Keeps multi-Region keys until the end, because what one of them is worth depends on its siblings. Reports are kept
 * compressed: they repeat each other, so that an estate of nothing but such keys fits as well.
 */
export class MultiRegionKeys {
  private readonly kept: Kept[] = [];
  private readonly blocks: Buffer[] = [];
  private pending: string[] = [];
  private pendingLength = 0;
  /** Keys that others name as members of their family, each with one that names it. */
  private readonly named = new Map<string, string>();

  add({ text, related, ...key }: MultiRegionKey): void {
    for (const arn of related) if (!this.named.has(arn)) this.named.set(arn, key.arn);
    this.kept.push(key);
    this.pending.push(text);
    this.pendingLength += text.length;
    if (this.pendingLength >= BLOCK) this.pack();
  }

  /**
   * Keys of the families that are not among those added, in order of their ARNs. What can be read under a key that was
   * added can be read under these as well, and nothing is known about who may.
   */
  unseen(): readonly UnseenSibling[] {
    const seen = new Set(this.kept.map((key) => key.arn));
    const missing = [...this.named].filter(([arn]) => !seen.has(arn));
    return missing.map(([arn, of]) => ({ arn, of })).sort((a, b) => (a.arn < b.arn ? -1 : 1));
  }

  /** The keys in the order in which they were added, each with what its siblings mean for it. */
  *finished(waiverOf: WaiverOf): Generator<Omit<MultiRegionKey, "related">> {
    this.pack();
    const worst = this.worst();
    for (const { key, text } of this.texts()) {
      const sibling = worst.get(familyOf(key.arn));
      if (sibling === undefined) {
        yield { ...key, text };
        continue;
      }
      const report = JSON.parse(text) as KeyReport;
      const [amended = report] = withSiblings([report, sibling], waiverOf);
      if (amended === report) yield { ...key, text };
      else yield { ...key, text: safeJson(amended), outline: outlineOf(amended) };
    }
  }

  /** Of each family whose members differ in exposure, the most exposed one: it decides for all the others. */
  private worst(): ReadonlyMap<string, KeyReport> {
    const families = new Map<string, { first: Kept; mixed: boolean }>();
    for (const key of this.kept) {
      const family = familyOf(key.arn);
      const known = families.get(family);
      if (known === undefined) families.set(family, { first: key, mixed: false });
      else {
        const differs = known.first.outline.exposure !== key.outline.exposure;
        const better = rank(key) - rank(known.first) || (key.arn < known.first.arn ? -1 : 1);
        families.set(family, { first: better < 0 ? key : known.first, mixed: known.mixed || differs });
      }
    }
    const wanted = new Set([...families.values()].filter((f) => f.mixed).map((f) => f.first));
    const found = new Map<string, KeyReport>();
    if (wanted.size === 0) return found;
    for (const { key, text } of this.texts()) {
      if (wanted.has(key)) found.set(familyOf(key.arn), JSON.parse(text) as KeyReport);
    }
    return found;
  }

  private *texts(): Generator<{ readonly key: Kept; readonly text: string }> {
    let i = 0;
    for (const data of this.blocks) {
      for (const text of inflateRawSync(data).toString("utf8").split("\n")) {
        const key = this.kept[i++];
        if (key !== undefined) yield { key, text };
      }
    }
  }

  private pack(): void {
    if (this.pending.length === 0) return;
    // JSON on one line has no line feeds.
    this.blocks.push(deflateRawSync(Buffer.from(this.pending.join("\n")), { level: 3 }));
    this.pending = [];
    this.pendingLength = 0;
  }
}

function rank(key: { readonly outline: { readonly exposure: Exposure } }): number {
  return EXPOSURES.indexOf(key.outline.exposure);
}
