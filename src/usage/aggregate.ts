import type { KeyArn } from "../domain/ids.js";
import { parseAccountId, parseKeyArn } from "../domain/ids.js";
import type { Call } from "./calls.js";
import { makeCall } from "./calls.js";
import { dayOf, ranges, timeName } from "./days.js";
import { EventTable } from "./event-table.js";
import type { LogPart } from "./part.js";
import { EVENT_WORDS } from "./part.js";
import type { EvidenceGap, TrailCoverage, UsageCoverage, UsageEntry, UsageSource } from "./types.js";
import { MAX_GAPS } from "./types.js";

/** How much is held in memory. What does not fit is counted, and the coverage says so. */
export interface UsageLimits {
  /** Different calls (key, principal, action, …) in all, and of one key. */
  readonly calls: number;
  readonly callsOfKey: number;
  /** Different sets of context names of one key; further ones are not told apart. */
  readonly contextsOfKey: number;
  /** Characters of all different calls together, as JSON. */
  readonly text: number;
  /** Events that are compared for duplicates. */
  readonly events: number;
  /** Accounts and Regions. */
  readonly trails: number;
}

export const LIMITS: UsageLimits = {
  calls: 100_000,
  callsOfKey: 10_000,
  contextsOfKey: 200,
  text: 24 * 1024 * 1024,
  events: 2_500_000,
  trails: 20_000,
};

/** Use of one key, as a usage file holds it. */
export interface KeyUsageData {
  readonly key: KeyArn;
  readonly entries: readonly UsageEntry[];
  readonly omitted: number;
}

/** What an alias ARN stands for; undefined where nobody knows. */
export type ResolveAlias = (aliasArn: string) => KeyArn | undefined;

interface Held {
  readonly call: Call;
  /** The call as JSON: its identity, and its place in the order of results. */
  readonly name: string;
  count: number;
  first: number;
  last: number;
}

interface OfKey {
  calls: number;
  omitted: number;
  readonly contexts: Set<string>;
}

interface Trail {
  readonly account: string;
  readonly region: string;
  readonly days: Set<number>;
  kmsEvents: number;
  readonly excludedAt: Set<number>;
}

/**
 * Adds up the parts of all files. Sums, first and last times and the choice among copies of an event do not depend on
 * the order of the parts; only what is left out at a limit does, so parts are added in the order of the files' names.
 */
export class UsageAggregator {
  private readonly held: Held[] = [];
  private readonly index = new Map<string, number>();
  private readonly keys = new Map<string, OfKey>();
  private readonly trails = new Map<string, Trail>();
  private readonly events: EventTable;
  private readonly gaps: EvidenceGap[] = [];
  private gapCount = 0;
  private textSize = 0;
  private omitted = 0;
  private notDeduplicated = 0;
  private files = 0;
  private records = 0;
  private kmsEvents = 0;

  constructor(private readonly limits: UsageLimits = LIMITS) {
    this.events = new EventTable(limits.events);
  }

  add(part: LogPart): void {
    this.files += part.files;
    this.records += part.records;
    this.kmsEvents += part.kmsEvents;
    for (const gap of part.gaps) this.gap(gap);
    for (const trail of part.trails) this.addTrail(trail);
    const numbers = part.calls.map(() => UNSEEN);
    for (let i = 0; i + EVENT_WORDS <= part.events.length; i += EVENT_WORDS) {
      const [at = 0, time = 0, high = 0, low = 0, flag = 0] = part.events.subarray(i, i + EVENT_WORDS);
      const call = part.calls[at];
      if (call === undefined) continue;
      let number = numbers[at] ?? UNSEEN;
      if (number === UNSEEN) {
        number = this.hold(call, part.names[at]);
        numbers[at] = number;
      }
      if (number === OMITTED) {
        this.omit(call.target);
        continue;
      }
      this.count(number, time, high, low, flag === 1);
    }
  }

  /** Counts use that was added up elsewhere (by a query), where copies cannot be told apart any more. */
  addCounted(call: Call, count: number, first: number, last: number): void {
    const number = this.hold(call);
    if (number === OMITTED) this.omit(call.target, count);
    else this.tally(number, count, first, last);
  }

  /** A day of evidence that did not come with a record. */
  addTrail(seen: {
    readonly account: string;
    readonly region: string;
    readonly days: readonly number[];
    readonly kmsEvents: number;
    readonly excludedAt: readonly number[];
  }): void {
    const name = `${seen.account}/${seen.region}`;
    let trail = this.trails.get(name);
    if (trail === undefined) {
      if (this.trails.size >= this.limits.trails) {
        if (this.trails.size === this.limits.trails) {
          this.gap({
            where: name,
            problem: "too-large",
            detail: `evidence from more than ${this.limits.trails} accounts and Regions is not listed`,
          });
        }
        return;
      }
      trail = {
        account: seen.account,
        region: seen.region,
        days: new Set(),
        kmsEvents: 0,
        excludedAt: new Set(),
      };
      this.trails.set(name, trail);
    }
    trail.kmsEvents += seen.kmsEvents;
    for (const day of seen.days) trail.days.add(day);
    for (const time of seen.excludedAt) trail.excludedAt.add(time);
  }

  gap(gap: EvidenceGap): void {
    this.gapCount++;
    if (this.gaps.length < MAX_GAPS) this.gaps.push(gap);
  }

  /** More numbers for the coverage, of sources that are no log files. */
  counted(numbers: {
    readonly files?: number;
    readonly records?: number;
    readonly kmsEvents?: number;
  }): void {
    this.files += numbers.files ?? 0;
    this.records += numbers.records ?? 0;
    this.kmsEvents += numbers.kmsEvents ?? 0;
  }

  /** The result. Call it once, at the end. */
  finish(
    sources: readonly UsageSource[],
    resolve: ResolveAlias = () => undefined,
  ): { readonly coverage: UsageCoverage; readonly keys: Iterable<KeyUsageData> } {
    for (const [call, time] of this.events.sharedEvents()) this.tally(call, 1, time, time);
    let unattributed = 0;
    const byKey = new Map<KeyArn, Map<string, Held>>();
    for (const held of this.held) {
      if (held.count === 0) continue;
      const key = resolved(held.call.target, resolve);
      if (key === undefined) unattributed += held.count;
      else merge(byKey, key, held);
    }
    const omitted = new Map<KeyArn, number>();
    let omittedElsewhere = this.omitted;
    for (const [target, { omitted: count }] of this.keys) {
      if (count === 0) continue;
      const key = resolved(target, resolve);
      if (key === undefined) omittedElsewhere += count;
      else {
        omitted.set(key, (omitted.get(key) ?? 0) + count);
        if (!byKey.has(key)) byKey.set(key, new Map());
      }
    }
    const everything = [...omitted.values()].reduce((sum, n) => sum + n, omittedElsewhere);
    return {
      coverage: this.coverage(sources, unattributed, everything),
      keys: [...byKey.keys()].sort().map((key) => ({
        key,
        entries: entries(byKey.get(key) ?? new Map<string, Held>()),
        omitted: omitted.get(key) ?? 0,
      })),
    };
  }

  private count(number: number, time: number, high: number, low: number, shared: boolean): void {
    const seen = this.events.add(high, low, number, time, shared, (than) => this.tellsMore(number, than));
    if (seen === "unchecked") this.notDeduplicated++;
    // Of a shared event it is not known yet which call will stand for it.
    if (seen === "unchecked" || (seen === "new" && !shared)) this.tally(number, 1, time, time);
  }

  private tally(number: number, count: number, first: number, last: number): void {
    const held = this.held[number];
    if (held === undefined) return;
    held.first = held.count === 0 ? first : Math.min(held.first, first);
    held.last = held.count === 0 ? last : Math.max(held.last, last);
    held.count += count;
  }

  /**
   * The caller's trail names the role, the owner's often only an account and an id; the owner's surely names the key. A
   * total order, so that the choice does not depend on which copy came first.
   */
  private tellsMore(a: number, b: number): boolean {
    const [x, y] = [this.held[a], this.held[b]];
    if (x === undefined || y === undefined) return false;
    const difference = detail(x.call) - detail(y.call);
    return difference !== 0 ? difference > 0 : x.name < y.name;
  }

  /** The number of a call, or OMITTED where a limit is reached. */
  private hold(call: Call, name: string = JSON.stringify(call)): number {
    const known = this.index.get(name);
    if (known !== undefined) return known;
    const key = this.ofKey(call.target);
    if (key === undefined) return OMITTED;
    const { contextKeys } = call.entry;
    if (contextKeys.length > 0) {
      const context = JSON.stringify(contextKeys);
      if (!key.contexts.has(context)) {
        if (key.contexts.size >= this.limits.contextsOfKey) return this.hold(withoutContext(call));
        key.contexts.add(context);
      }
    }
    if (
      this.held.length >= this.limits.calls ||
      key.calls >= this.limits.callsOfKey ||
      this.textSize + name.length > this.limits.text
    ) {
      return OMITTED;
    }
    const number = this.held.length;
    this.held.push({ call, name, count: 0, first: 0, last: 0 });
    this.index.set(name, number);
    this.textSize += name.length;
    key.calls++;
    return number;
  }

  private ofKey(target: string): OfKey | undefined {
    const known = this.keys.get(target);
    if (known !== undefined) return known;
    if (this.keys.size >= this.limits.calls) return undefined;
    const fresh: OfKey = { calls: 0, omitted: 0, contexts: new Set() };
    this.keys.set(target, fresh);
    return fresh;
  }

  private omit(target: string, count = 1): void {
    const key = this.keys.get(target);
    if (key === undefined) this.omitted += count;
    else key.omitted += count;
  }

  private coverage(sources: readonly UsageSource[], unattributed: number, omitted: number): UsageCoverage {
    const trails: TrailCoverage[] = [];
    let from: number | undefined;
    let to: number | undefined;
    for (const name of [...this.trails.keys()].sort()) {
      const trail = this.trails.get(name);
      const account = parseAccountId(trail?.account ?? "");
      if (trail === undefined || account === undefined) continue;
      for (const day of trail.days) {
        from = from === undefined ? day : Math.min(from, day);
        to = to === undefined ? day : Math.max(to, day);
      }
      trails.push({
        account,
        region: trail.region,
        days: ranges(trail.days),
        kmsEvents: trail.kmsEvents,
        kmsExcludedAt: [...trail.excludedAt].sort((a, b) => a - b).map(timeName),
      });
    }
    for (const { count, first, last } of this.held) {
      if (count === 0) continue;
      from = from === undefined ? dayOf(first) : Math.min(from, dayOf(first));
      to = to === undefined ? dayOf(last) : Math.max(to, dayOf(last));
    }
    return {
      sources,
      ...(from === undefined ? {} : { from: timeName(from * 86_400) }),
      ...(to === undefined ? {} : { to: timeName(to * 86_400 + 86_399) }),
      trails,
      gaps: this.gaps,
      gapCount: this.gapCount,
      files: this.files,
      records: this.records,
      kmsEvents: this.kmsEvents,
      unattributed,
      omitted,
      notDeduplicated: this.notDeduplicated,
    };
  }
}

const UNSEEN = -1;
const OMITTED = -2;

function detail(call: Call): number {
  const named = call.entry.principal.kind === "foreign" || call.entry.principal.kind === "other" ? 0 : 1;
  const target = parseKeyArn(call.target) !== undefined ? 4 : call.target === "" ? 0 : 2;
  return target + named;
}

function withoutContext({ target, entry }: Call): Call {
  return makeCall(target, {
    account: undefined,
    via: undefined,
    delegate: undefined,
    requestAlias: undefined,
    ...entry,
    contextKeys: [],
    contextTruncated: true,
  });
}

function resolved(target: string, resolve: ResolveAlias): KeyArn | undefined {
  if (target === "") return undefined;
  return parseKeyArn(target) ?? resolve(target);
}

/** Calls that named the key by its ARN and by an alias are the same once the alias is resolved. */
function merge(byKey: Map<KeyArn, Map<string, Held>>, key: KeyArn, held: Held): void {
  const calls = byKey.get(key) ?? new Map<string, Held>();
  byKey.set(key, calls);
  const call: Call = { ...held.call, target: key };
  const name = JSON.stringify(call);
  const before = calls.get(name);
  calls.set(name, {
    call,
    name,
    count: held.count + (before?.count ?? 0),
    first: before === undefined ? held.first : Math.min(held.first, before.first),
    last: before === undefined ? held.last : Math.max(held.last, before.last),
  });
}

function entries(calls: ReadonlyMap<string, Held>): readonly UsageEntry[] {
  return [...calls.values()]
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ call, count, first, last }) => ({
      ...call.entry,
      count,
      firstSeen: timeName(first),
      lastSeen: timeName(last),
    }));
}
