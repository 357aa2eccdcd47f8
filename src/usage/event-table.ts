/** What {@link EventTable.add} found. */
export type Seen = "new" | "again" | "unchecked";

const MIN_SLOTS = 1 << 16;
const LOAD = 0.6;
const SHARED = 0x80000000;

/**
 * The events that were counted, so that copies of one event in several trails count once. Open addressing over typed
 * arrays: 16 bytes a slot, whatever the events are called. Two events are the same if 64 bits of hash are; of ten
 * million different ones, the chance that any two collide is about 1 in 400,000.
 */
export class EventTable {
  private high = new Uint32Array(MIN_SLOTS);
  private low = new Uint32Array(MIN_SLOTS);
  /** 1 + index of the call, and the top bit if the event is shared; 0 is an empty slot. */
  private call = new Uint32Array(MIN_SLOTS);
  private time = new Uint32Array(MIN_SLOTS);
  private size = 0;

  constructor(private readonly maxEvents: number) {}

  /**
   * Remembers an event. For one that is there already and shared, `better` says whether the new call is to stand for it.
   */
  add(
    high: number,
    low: number,
    call: number,
    time: number,
    shared: boolean,
    better: (than: number) => boolean,
  ): Seen {
    let slot = this.find(high, low);
    if (this.call[slot] !== 0) {
      const held = this.call[slot] ?? 0;
      if (shared && held >= SHARED) {
        const before = (held & ~SHARED) - 1;
        if (before === call) this.time[slot] = Math.min(this.time[slot] ?? time, time);
        else if (better(before)) {
          this.call[slot] = ((call + 1) | SHARED) >>> 0;
          this.time[slot] = time;
        }
      }
      return "again";
    }
    if (this.size >= this.maxEvents) return "unchecked";
    if (this.size >= this.call.length * LOAD) {
      this.grow();
      slot = this.find(high, low);
    }
    this.high[slot] = high;
    this.low[slot] = low;
    this.call[slot] = (shared ? (call + 1) | SHARED : call + 1) >>> 0;
    this.time[slot] = time;
    this.size++;
    return "new";
  }

  /** The shared events, each with the call that stands for it. */
  *sharedEvents(): Generator<readonly [call: number, time: number], void, undefined> {
    for (let slot = 0; slot < this.call.length; slot++) {
      const held = this.call[slot] ?? 0;
      if (held >= SHARED) yield [(held & ~SHARED) - 1, this.time[slot] ?? 0];
    }
  }

  private find(high: number, low: number): number {
    const mask = this.call.length - 1;
    let slot = (low ^ Math.imul(high, 0x9e3779b1)) & mask;
    while (this.call[slot] !== 0 && !(this.low[slot] === low && this.high[slot] === high)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private grow(): void {
    const { high, low, call, time } = this;
    const slots = call.length * 2;
    this.high = new Uint32Array(slots);
    this.low = new Uint32Array(slots);
    this.call = new Uint32Array(slots);
    this.time = new Uint32Array(slots);
    for (let old = 0; old < call.length; old++) {
      if (call[old] === 0) continue;
      const slot = this.find(high[old] ?? 0, low[old] ?? 0);
      this.high[slot] = high[old] ?? 0;
      this.low[slot] = low[old] ?? 0;
      this.call[slot] = call[old] ?? 0;
      this.time[slot] = time[old] ?? 0;
    }
  }
}
