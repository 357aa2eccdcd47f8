import { randomBytes } from "node:crypto";
import type { Grant } from "../../domain/grant.js";

interface Entry {
  readonly grant: Grant;
  /** Milliseconds since the epoch; negative infinity for what the snapshot brought. */
  readonly since: number;
  removedAt: number | undefined;
}

/** The grants of one key. Readers may ask for the grants as they were a while ago. */
export class GrantBook {
  readonly #entries = new Map<string, Entry>();
  readonly #keepMs: number;
  #sorted: readonly Entry[] | undefined;
  #active: readonly Grant[] | undefined;
  #removed: Entry[] = [];

  /** `keepMs`: how far back readers look, in milliseconds. */
  constructor(initial: readonly Grant[], keepMs: number) {
    this.#keepMs = keepMs;
    for (const grant of initial) {
      this.#entries.set(grant.GrantId, { grant, since: Number.NEGATIVE_INFINITY, removedAt: undefined });
    }
  }

  /** The grants in force: what decides access. In order of id. */
  get active(): readonly Grant[] {
    this.#active ??= this.#list()
      .filter((e) => e.removedAt === undefined)
      .map((e) => e.grant);
    return this.#active;
  }

  /** The grants as they were at a moment, in order of id. */
  at(moment: number): readonly Grant[] {
    if (this.#keepMs === 0) return this.active;
    return this.#list()
      .filter((e) => e.since <= moment && (e.removedAt === undefined || e.removedAt > moment))
      .map((e) => e.grant);
  }

  /** A grant in force. */
  get(id: string): Grant | undefined {
    const entry = this.#entries.get(id);
    return entry === undefined || entry.removedAt !== undefined ? undefined : entry.grant;
  }

  /** Adds a grant at a moment. */
  add(grant: Grant, now: number): void {
    this.#entries.set(grant.GrantId, { grant, since: now, removedAt: undefined });
    this.#changed(now);
  }

  /** Ends a grant at a moment. */
  remove(id: string, now: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if (this.#keepMs === 0) this.#entries.delete(id);
    else {
      entry.removedAt = now;
      this.#removed.push(entry);
    }
    this.#changed(now);
  }

  #list(): readonly Entry[] {
    this.#sorted ??= [...this.#entries.values()].sort((a, b) => compare(a.grant.GrantId, b.grant.GrantId));
    return this.#sorted;
  }

  #changed(now: number): void {
    this.#sorted = undefined;
    this.#active = undefined;
    const old = this.#removed.filter((e) => (e.removedAt ?? now) < now - this.#keepMs);
    for (const e of old) this.#entries.delete(e.grant.GrantId);
    if (old.length > 0) this.#removed = this.#removed.filter((e) => !old.includes(e));
  }
}

/** Orders strings by code units, as paging needs it. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A new grant id: 64 hexadecimal digits, as KMS makes them. */
export function newGrantId(): string {
  return randomBytes(32).toString("hex");
}
