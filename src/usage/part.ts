import type { Call, TrailMark } from "./calls.js";
import { readRecord } from "./calls.js";
import { dayOf } from "./days.js";
import type { LogName } from "./log-name.js";
import type { EvidenceGap } from "./types.js";

/**
 * What was read of one file, or of a part of a large one: small, and plain data that can be sent between threads.
 * Nothing is decided here that depends on other files.
 */
export interface LogPart {
  readonly calls: readonly Call[];
  /** The JSON of each call, which is its identity. */
  readonly names: readonly string[];
  /** {@link EVENT_WORDS} numbers for each event: index into `calls`, time, two of hash, 1 if the event is shared. */
  readonly events: Uint32Array<ArrayBuffer>;
  readonly trails: readonly PartTrail[];
  readonly kmsEvents: number;
  /** Whole records of all services; only in the last part of a file. */
  readonly records: number;
  readonly gaps: readonly EvidenceGap[];
  /** 1 in the last part of a file, else 0. */
  readonly files: number;
}

export interface PartTrail {
  readonly account: string;
  readonly region: string;
  readonly days: readonly number[];
  readonly kmsEvents: number;
  readonly excludedAt: readonly number[];
}

/** Seconds since 1970, both included; undefined: open. */
export interface TimeSpan {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** Whether a time lies in a span. */
export function within(span: TimeSpan, time: number): boolean {
  return (span.since === undefined || time >= span.since) && (span.until === undefined || time <= span.until);
}

export const EVENT_WORDS = 5;

/** Bounds of one part. */
const MAX_EVENTS = 50_000;
const MAX_TEXT = 4 * 1024 * 1024;
const MAX_TRAILS = 1000;
const MAX_DAYS = 4000;
const MAX_EXCLUSIONS = 100;

interface Trail {
  readonly account: string;
  readonly region: string;
  readonly days: Set<number>;
  kmsEvents: number;
  readonly excludedAt: number[];
}

/** Collects what the records of a file say. {@link full} tells when to {@link take} a part. */
export class PartBuilder {
  private calls: Call[] = [];
  private index = new Map<string, number>();
  private textSize = 0;
  private events: number[] = [];
  private trails = new Map<string, Trail>();
  private kmsEvents = 0;
  private malformed = 0;

  /** Evidence from outside the span is passed over. */
  constructor(private readonly span: TimeSpan = {}) {}

  /** Records of KMS that could not be read, in all parts. */
  get malformedRecords(): number {
    return this.malformed;
  }

  /** The name of the file tells of whom it is, and a day, even if no record is read. */
  named(name: LogName | undefined): void {
    if (name !== undefined && within(this.span, name.delivered))
      this.mark({ account: name.account, region: name.region, time: name.delivered });
  }

  /** Adds the JSON text of a record. */
  add(json: string): void {
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch {
      this.malformed++;
      return;
    }
    this.addValue(value);
  }

  /** Adds a record that was parsed. */
  addValue(value: unknown): void {
    const reading = readRecord(value);
    switch (reading.kind) {
      case "malformed":
        this.malformed++;
        return;
      case "other": {
        if (reading.trail !== undefined && !within(this.span, reading.trail.time)) return;
        const trail = reading.trail === undefined ? undefined : this.mark(reading.trail);
        if (reading.excludesKms && reading.trail !== undefined && trail !== undefined) {
          if (trail.excludedAt.length < MAX_EXCLUSIONS) trail.excludedAt.push(reading.trail.time);
        }
        return;
      }
      case "calls": {
        if (!within(this.span, reading.time)) return;
        this.kmsEvents++;
        const trail = reading.trail === undefined ? undefined : this.mark(reading.trail);
        if (trail !== undefined) trail.kmsEvents++;
        reading.calls.forEach((call, nth) => {
          this.event(call, reading.time, `${reading.id}/${nth}`, reading.shared);
        });
      }
    }
  }

  get full(): boolean {
    return this.events.length >= MAX_EVENTS * EVENT_WORDS || this.textSize >= MAX_TEXT;
  }

  /** The part, and an empty builder for the next one. */
  take(end?: { readonly records: number; readonly gaps: readonly EvidenceGap[] }): LogPart {
    const part: LogPart = {
      calls: this.calls,
      names: [...this.index.keys()],
      events: Uint32Array.from(this.events),
      trails: [...this.trails.values()].map((t) => ({ ...t, days: [...t.days] })),
      kmsEvents: this.kmsEvents,
      records: end?.records ?? 0,
      gaps: end?.gaps ?? [],
      files: end === undefined ? 0 : 1,
    };
    this.calls = [];
    this.index = new Map();
    this.textSize = 0;
    this.events = [];
    this.trails = new Map();
    this.kmsEvents = 0;
    return part;
  }

  private event(call: Call, time: number, id: string, shared: boolean): void {
    const name = JSON.stringify(call);
    let at = this.index.get(name);
    if (at === undefined) {
      at = this.calls.length;
      this.calls.push(call);
      this.index.set(name, at);
      this.textSize += name.length;
    }
    this.events.push(at, time, hash(id, 0x811c9dc5), hash(id, 0x9747b28c), shared ? 1 : 0);
  }

  private mark(mark: TrailMark): Trail | undefined {
    const name = `${mark.account}/${mark.region}`;
    let trail = this.trails.get(name);
    if (trail === undefined) {
      if (this.trails.size >= MAX_TRAILS) return undefined;
      trail = { account: mark.account, region: mark.region, days: new Set(), kmsEvents: 0, excludedAt: [] };
      this.trails.set(name, trail);
    }
    if (trail.days.size < MAX_DAYS) trail.days.add(dayOf(mark.time));
    return trail;
  }
}

/** FNV-1a over UTF-16 units with a final mix; two of them with different seeds are 64 bits. */
function hash(text: string, seed: number): number {
  let h = seed >>> 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
