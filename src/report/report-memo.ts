import type { KeyFacts, KeyRecord } from "../domain/key.js";
import type { Judgement } from "../rules/judge.js";
import type { Opinion } from "../rules/opinion-type.js";
import type { Likeness, LikenessContext, KeyNames } from "../rules/likeness.js";
import { Likenesses, neighbours, order, refusal, withHoles } from "../rules/likeness.js";
import { ALIASES_HOLE, KeyTemplate } from "./key-template.js";

/** Memory for templates, in bytes, about; twice that at most, as the older half is dropped at once. */
const MOST = 24 * 1024 * 1024;

/** What is known of keys that are alike but for their account. */
type Family =
  /** Only keys of one account are alike. */
  | { readonly kind: "literal" }
  | {
      readonly kind: "renamed";
      readonly neighbours: readonly string[];
      readonly templates: Map<string, KeyTemplate>;
    };

/** How keys are judged. */
export interface Judge {
  readonly opinion: (record: KeyRecord) => Opinion;
  readonly judgement: (record: KeyRecord, opinion: Opinion) => Judgement;
  /** Without any exceptions, and without asking for them. */
  readonly plain: (record: KeyRecord, opinion: Opinion) => Judgement;
}

export type Found =
  | { readonly kind: "template"; readonly template: KeyTemplate; readonly names: KeyNames }
  | { readonly kind: "judgement"; readonly judgement: Judgement };

function alone(record: KeyRecord, judge: Judge): Found {
  return { kind: "judgement", judgement: judge.judgement(record, judge.opinion(record)) };
}

/**
 * Remembers reports as templates, so that each policy of an estate is analysed once, in whatever accounts it stands.
 */
export class ReportMemo {
  private readonly likenesses: Likenesses;
  private young = new Map<string, Family | KeyTemplate>();
  private old = new Map<string, Family | KeyTemplate>();
  private size = 0;
  /** Templates that were made. */
  made = 0;

  constructor(
    context: LikenessContext,
    private readonly most = MOST,
  ) {
    this.likenesses = new Likenesses(context);
  }

  /**
   * The template for a key, or its judgement where it can be shared with no other. The first key of each kind is judged
   * with a stand-in for its aliases and tags.
   */
  find(record: KeyRecord, judge: Judge): Found {
    const like = this.likenesses.of(record);
    if (like === undefined) return alone(record, judge);
    const { account } = like.names;
    if (account === undefined) return this.literal(record, like, judge);
    const holes = withHoles(like.text, account);
    const family = this.family(holes);
    if (family.kind === "literal") return this.literal(record, like, judge);
    const place = order(account, family.neighbours);
    const known = family.templates.get(place);
    if (known !== undefined) return { kind: "template", template: known, names: like.names };
    const found = this.make(record, like.names, judge);
    if (found.kind === "template") {
      family.templates.set(place, found.template);
      this.grow(found.template.size + 100);
    }
    return found;
  }

  private family(holes: string): Family {
    const known = this.get(holes);
    if (known !== undefined && !(known instanceof KeyTemplate)) return known;
    const family: Family =
      refusal(holes) === undefined
        ? { kind: "renamed", neighbours: neighbours(holes), templates: new Map() }
        : { kind: "literal" };
    this.put(holes, family, holes.length + 300);
    return family;
  }

  private literal(record: KeyRecord, { text, names }: Likeness, judge: Judge): Found {
    const literal = { ...names, account: undefined };
    const known = this.get(text);
    if (known instanceof KeyTemplate) return { kind: "template", template: known, names: literal };
    const found = this.make(record, literal, judge);
    if (found.kind === "template") this.put(text, found.template, text.length + found.template.size);
    return found;
  }

  private make(record: KeyRecord, names: KeyNames, judge: Judge): Found {
    const facts: KeyFacts & { tags?: unknown } = { ...record.facts, aliases: [ALIASES_HOLE] };
    delete facts.tags;
    const standIn: KeyRecord = { ...record, facts };
    const opinion = judge.opinion(standIn);
    if (opinion.shareable && opinion.disagreements.length === 0) {
      const { report, identities } = judge.plain(standIn, opinion);
      const template = KeyTemplate.of(report, identities, names);
      if (template !== undefined) {
        this.made++;
        return { kind: "template", template, names };
      }
    }
    // Nothing in it depends on aliases and tags (rules/likeness.ts), so the opinion is that about this key.
    return { kind: "judgement", judgement: judge.judgement(record, opinion) };
  }

  private get(text: string): Family | KeyTemplate | undefined {
    const young = this.young.get(text);
    if (young !== undefined) return young;
    const old = this.old.get(text);
    if (old !== undefined) {
      this.old.delete(text);
      this.put(text, old, text.length + sizeOf(old));
    }
    return old;
  }

  private put(text: string, entry: Family | KeyTemplate, size: number): void {
    this.young.set(text, entry);
    this.grow(size);
  }

  private grow(size: number): void {
    this.size += size;
    if (this.size <= this.most) return;
    this.old = this.young;
    this.young = new Map();
    this.size = 0;
  }
}

function sizeOf(entry: Family | KeyTemplate): number {
  if (entry instanceof KeyTemplate) return entry.size;
  if (entry.kind === "literal") return 300;
  return [...entry.templates.values()].reduce((sum, t) => sum + t.size, 300);
}
