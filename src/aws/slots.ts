/**
 * Places for open calls, shared by targets (an account in a Region) so that none holds up the others: a free place goes
 * to the target with the fewest open calls, and a target that does not answer in time gets fewer places, down to one,
 * until it answers again.
 */
export class Slots {
  private open = 0;
  private readonly targets = new Map<string, Target>();
  private readonly waiting = new Set<Target>();

  /**
   * @param total open calls of all targets
   * @param each open calls of one target
   */
  constructor(
    private readonly total: number,
    private readonly each: number,
  ) {}

  /** Waits for a place. Give it back with {@link leave}. */
  async enter(name: string): Promise<void> {
    const target = this.target(name);
    if (this.open < this.total && target.open < target.limit && target.queue.length === 0) {
      this.take(target);
      return;
    }
    await new Promise<void>((resolve) => {
      target.queue.push(resolve);
      this.waiting.add(target);
    });
  }

  /** @param answered false: the call ran into a timeout or met no one */
  leave(name: string, answered: boolean): void {
    const target = this.target(name);
    this.open -= 1;
    target.open -= 1;
    target.limit = answered ? Math.min(this.each, target.limit + 1) : Math.max(1, target.limit >> 1);
    if (target.open === 0 && target.queue.length === 0 && target.limit === this.each)
      this.targets.delete(name);
    this.serve();
  }

  private serve(): void {
    while (this.open < this.total) {
      let next: Target | undefined;
      for (const target of this.waiting) {
        if (target.open >= target.limit) continue;
        if (next === undefined || target.open < next.open) next = target;
      }
      const resume = next?.queue.shift();
      if (next === undefined || resume === undefined) return;
      if (next.queue.length === 0) this.waiting.delete(next);
      this.take(next);
      resume();
    }
  }

  private take(target: Target): void {
    this.open += 1;
    target.open += 1;
  }

  private target(name: string): Target {
    let target = this.targets.get(name);
    if (target === undefined) {
      target = { open: 0, limit: this.each, queue: [] };
      this.targets.set(name, target);
    }
    return target;
  }
}

interface Target {
  open: number;
  limit: number;
  readonly queue: (() => void)[];
}
