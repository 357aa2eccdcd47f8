import { present } from "../domain/fetched.js";
import { makeKeyArn } from "../domain/ids.js";
import type { KeyFacts, KeyRecord } from "../domain/key.js";
import type { Judgement } from "../rules/judge.js";
import { type DocumentTraits, order, STAND_IN_REGION, traitsOf, withId } from "../rules/document-traits.js";
import { type KeyNames, type Likeness, type LikenessContext, Likenesses } from "../rules/likeness.js";
import type { Opinion } from "../rules/opinion-type.js";
import { areStandInsInert, cutWords } from "../rules/word-holes.js";
import type { ReportNames } from "./key-template.js";
import { ALIASES_HOLE, KeyTemplate } from "./key-template.js";

/** Memory for templates, in bytes, about; twice that at most, as the older half is dropped at once. */
const MOST = 16 * 1024 * 1024;

/** What is known of keys that have the same documents, but for names that stand for themselves. */
interface Texts {
  readonly traits: DocumentTraits;
  /** Reports by the facts about the keys; null: their reports cannot be written from a template. */
  readonly templates: Map<string, KeyTemplate | null>;
  /** The same documents with stand-ins for their words, where nothing depends on those. */
  readonly family: Family | undefined;
}

/** Documents that differ in words alone, as seen from one of them. */
interface Family {
  readonly shared: SharedFamily;
  readonly words: readonly string[];
  readonly standIns: readonly string[];
  readonly hasNames: boolean;
}

interface SharedFamily {
  /** The policy with stand-ins, and holes for the account. */
  readonly policy: string;
  readonly templates: Map<string, KeyTemplate | null>;
}

/** How keys are judged. */
export interface Judge {
  readonly opinion: (record: KeyRecord) => Opinion;
  readonly judgement: (record: KeyRecord, opinion: Opinion) => Judgement;
  /** Without any exceptions, and without asking for them. */
  readonly plain: (record: KeyRecord, opinion: Opinion) => Judgement;
}

export type Found =
  | { readonly kind: "template"; readonly template: KeyTemplate; readonly names: ReportNames }
  | { readonly kind: "judgement"; readonly judgement: Judgement };

function alone(record: KeyRecord, judge: Judge): Found {
  return { kind: "judgement", judgement: judge.judgement(record, judge.opinion(record)) };
}

const NO_WORDS: readonly string[] = [];

/**
 * Remembers reports as templates, so that each policy of an estate is analysed once, in whatever accounts it stands and
 * whatever the users and roles are called that it names.
 */
export class ReportMemo {
  private readonly likenesses: Likenesses;
  private young = new Map<string, Texts>();
  private old = new Map<string, Texts>();
  private size = 0;
  private families = new Map<string, SharedFamily | null>();
  private familiesSize = 0;
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
    const texts = this.texts(like.documents, like.policyLength, account);
    if (account === undefined || texts.traits.refusal === undefined) {
      return this.among(texts, record, like, like.names, judge);
    }
    // The id of the account means more than the account.
    const documents = withId(like.documents, account);
    const policyLength = withId(like.documents.slice(0, like.policyLength), account).length;
    const names = { ...like.names, account: undefined };
    return this.among(this.texts(documents, policyLength, undefined), record, like, names, judge);
  }

  private among(texts: Texts, record: KeyRecord, like: Likeness, named: KeyNames, judge: Judge): Found {
    const { traits, family } = texts;
    if (traits.asksForNames) return alone(record, judge);
    const names: KeyNames = {
      ...named,
      path: this.isPathNamed(like, traits, record.facts.account) ? like.path : undefined,
      region: this.isRegionNamed(like, traits, record.facts.region) ? record.facts.region : undefined,
    };
    const facts = this.likenesses.factsText(record, names);
    const kind = names.account === undefined ? facts : `${facts}${order(names.account, traits.neighbours)}`;
    const cut = family !== undefined && !(family.hasNames && like.bound.tellNames);
    if (cut && record.policy.kind === "present") {
      const { shared, words, standIns } = family;
      let template = shared.templates.get(kind);
      if (template === undefined) {
        const text = names.account === undefined ? shared.policy : withId(shared.policy, names.account);
        const standing = { ...record, policy: present(text) };
        template = this.make(standing, { ...names, words: standIns }, judge).template ?? null;
        shared.templates.set(kind, template);
        this.growFamilies((template?.size ?? 0) + kind.length + 100);
      }
      if (template !== null) return { kind: "template", template, names: { ...names, words } };
    }
    const literal = { ...names, words: NO_WORDS };
    const known = texts.templates.get(kind);
    if (known !== undefined && known !== null) return { kind: "template", template: known, names: literal };
    if (known === null) return alone(record, judge);
    const { template, opinion } = this.make(record, literal, judge);
    texts.templates.set(kind, template ?? null);
    this.grow((template?.size ?? 0) + kind.length + 100);
    if (template !== undefined) return { kind: "template", template, names: literal };
    // It was asked about another Region.
    if (names.region !== undefined) return alone(record, judge);
    // Nothing in it depends on aliases and tags (rules/likeness.ts), so the opinion is that about this key.
    return { kind: "judgement", judgement: judge.judgement(record, opinion) };
  }

  /** Whether the path of the account stands for itself: no document tells it, and no other account's could be shown. */
  private isPathNamed({ path, documents }: Likeness, traits: DocumentTraits, account: string): boolean {
    if (path === undefined || traits.asksForPaths || documents.includes(path)) return false;
    return traits.accounts.every((id) => id === account || !this.likenesses.isKnown(id));
  }

  /** Whether the key's Region stands for itself: no document names it, and none tells it from another. */
  private isRegionNamed({ bound, documents }: Likeness, traits: DocumentTraits, region: string): boolean {
    if (traits.tellsRegions || bound.tellRegions || documents.includes(region)) return false;
    return !bound.controls.some((t) => t.includes(region)) && !this.likenesses.isInZone(region);
  }

  /** Judges a key, or one like it, with stand-ins for its aliases and tags and for its Region if that is named. */
  private make(
    record: KeyRecord,
    named: ReportNames,
    judge: Judge,
  ): { readonly template: KeyTemplate | undefined; readonly opinion: Opinion } {
    const region = named.region === undefined ? record.facts.region : STAND_IN_REGION;
    const arn = named.region === undefined ? record.facts.arn : makeKeyArn({ ...record.facts, region });
    const names: ReportNames = named.region === undefined ? named : { ...named, region, arn };
    const facts: KeyFacts & { tags?: unknown } = { ...record.facts, region, arn, aliases: [ALIASES_HOLE] };
    delete facts.tags;
    const standIn: KeyRecord = { ...record, facts };
    const opinion = judge.opinion(standIn);
    if (!opinion.shareable || opinion.disagreements.length > 0) return { template: undefined, opinion };
    const { report, identities } = judge.plain(standIn, opinion);
    const template = KeyTemplate.of(report, identities, names);
    if (template !== undefined) this.made++;
    return { template, opinion };
  }

  private texts(documents: string, policyLength: number, account: string | undefined): Texts {
    const young = this.young.get(documents);
    if (young !== undefined) return young;
    const old = this.old.get(documents);
    if (old !== undefined) {
      this.old.delete(documents);
      this.young.set(documents, old);
      let size = documents.length + 400;
      for (const t of old.templates.values()) size += (t?.size ?? 0) + 400;
      this.grow(size);
      return old;
    }
    const traits = traitsOf(documents);
    const made: Texts = {
      traits,
      templates: new Map(),
      family: traits.asksForNames ? undefined : this.family(documents, policyLength, account, traits),
    };
    this.young.set(documents, made);
    this.grow(documents.length + 600);
    return made;
  }

  private family(
    documents: string,
    policyLength: number,
    account: string | undefined,
    { tellsNames }: DocumentTraits,
  ): Family | undefined {
    const cut = cutWords(documents, policyLength, !tellsNames, (word) => this.likenesses.isInZone(word));
    if (cut === undefined) return undefined;
    let shared = this.families.get(cut.text);
    if (shared === undefined) {
      const policy = cut.text.slice(0, policyLength);
      const whole = account === undefined ? policy : withId(policy, account);
      shared = areStandInsInert(whole) ? { policy, templates: new Map() } : null;
      this.families.set(cut.text, shared);
      this.growFamilies(cut.text.length + 200);
    }
    const { words, standIns, hasNames } = cut;
    return shared === null ? undefined : { shared, words, standIns, hasNames };
  }

  private grow(size: number): void {
    this.size += size;
    if (this.size <= this.most) return;
    this.old = this.young;
    this.young = new Map();
    this.size = 0;
  }

  private growFamilies(size: number): void {
    this.familiesSize += size;
    if (this.familiesSize <= this.most) return;
    this.families = new Map();
    this.familiesSize = 0;
  }
}
