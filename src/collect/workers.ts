/**
 * Runs tasks, at most `limit` at once. {@link start} waits for a free place, so a producer of tasks never runs ahead.
 * The first task that throws (a bug: refusals are values) makes {@link settled} throw.
 */
export class Workers {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly idle: (() => void)[] = [];
  private failure: { readonly error: unknown } | undefined;

  constructor(private readonly limit: number) {}

  /** Starts a task as soon as there is a place for it; does not wait for its end. */
  async start(task: () => Promise<void>): Promise<void> {
    while (this.running >= this.limit) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running += 1;
    void this.run(task);
  }

  /** Waits until nothing runs. */
  async settled(): Promise<void> {
    while (this.running > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
    if (this.failure !== undefined) throw this.failure.error;
  }

  private async run(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.failure ??= { error };
    }
    this.running -= 1;
    this.waiting.shift()?.();
    if (this.running === 0) for (const resume of this.idle.splice(0)) resume();
  }
}
