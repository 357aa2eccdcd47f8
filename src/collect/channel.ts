/**
 * A bounded queue from many producers to one consumer. `push` waits while the queue is full, which is what slows the
 * calls to AWS down when the disk or the analysis is behind.
 */
export class Channel<T extends object> implements AsyncIterable<T> {
  private readonly items: T[] = [];
  private readonly waitingToPush: (() => void)[] = [];
  private wakeConsumer: (() => void) | undefined;
  private state: "open" | "ended" | "closed" = "open";
  private failure: { readonly error: unknown } | undefined;

  constructor(private readonly capacity: number) {}

  /** Adds an item. After {@link close} it is dropped: nobody will read it. */
  async push(item: T): Promise<void> {
    while (this.state === "open" && this.items.length >= this.capacity) {
      await new Promise<void>((resolve) => this.waitingToPush.push(resolve));
    }
    if (this.state !== "open") return;
    this.items.push(item);
    this.wake();
  }

  /** No more items; the consumer still gets those that are queued. */
  end(): void {
    if (this.state === "open") this.state = "ended";
    this.wake();
  }

  /** The consumer gets the queued items and then this error. */
  fail(error: unknown): void {
    this.failure ??= { error };
    this.end();
  }

  /** The consumer has left: lets all producers go. */
  close(): void {
    this.state = "closed";
    this.items.length = 0;
    for (const resume of this.waitingToPush.splice(0)) resume();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const item = this.items.shift();
      if (item !== undefined) {
        this.waitingToPush.shift()?.();
        yield item;
      } else if (this.state !== "open") {
        if (this.failure !== undefined) throw this.failure.error;
        return;
      } else {
        await new Promise<void>((resolve) => (this.wakeConsumer = resolve));
      }
    }
  }

  private wake(): void {
    const resume = this.wakeConsumer;
    this.wakeConsumer = undefined;
    resume?.();
  }
}
