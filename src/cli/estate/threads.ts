import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Config } from "../../trust/config.js";
import type { FailOn } from "../options.js";
import type { JudgedKeys, RawKeys } from "./batch.js";
import type { ContextLine } from "./key-judge.js";

/** What each thread is told at its start. */
export interface WorkerStart {
  readonly config: Config;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly failOn: FailOn;
}

/** What a thread is told to do. In the order of sending: lines about several keys come before those keys. */
export type Task =
  | { readonly kind: "begin" }
  | { readonly kind: "add"; readonly line: ContextLine }
  | { readonly kind: "keys"; readonly id: number; readonly keys: RawKeys };

export interface Reply {
  readonly id: number;
  readonly judged: JudgedKeys;
}

/** More threads than this take more memory than they are worth: reading the file is one thread's work. */
const MOST_THREADS = 4;

/** Batches that a thread may have before it. */
const AHEAD = 3;

interface Thread {
  readonly worker: Worker;
  busy: number;
}

interface Waiting {
  readonly thread: Thread;
  readonly resolve: (judged: JudgedKeys) => void;
  readonly reject: (error: Error) => void;
}

/** Threads that read and judge keys. What they say is the same, whichever of them says it. */
export class KeyThreads {
  private readonly threads: readonly Thread[];
  private readonly waiting = new Map<number, Waiting>();
  private next = 0;
  private failure: Error | undefined;

  constructor(start: WorkerStart, count: number) {
    this.threads = Array.from({ length: count }, () => this.start(start));
  }

  /** How many threads this machine is good for. */
  static count(): number {
    return Math.min(MOST_THREADS, availableParallelism());
  }

  /** Batches that keep every thread busy. */
  get ahead(): number {
    return this.threads.length * AHEAD;
  }

  begin(): void {
    this.tell({ kind: "begin" });
  }

  add(line: ContextLine): void {
    this.tell({ kind: "add", line });
  }

  /** The bytes of `keys` are handed over: they are gone afterwards. */
  async judge(keys: RawKeys): Promise<JudgedKeys> {
    if (this.failure !== undefined) throw this.failure;
    const id = this.next++;
    const thread = this.threads.reduce((a, b) => (b.busy < a.busy ? b : a));
    thread.busy++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { thread, resolve, reject });
      const task: Task = { kind: "keys", id, keys };
      thread.worker.postMessage(task, [keys.bytes.buffer as ArrayBuffer]);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((t) => t.worker.terminate()));
  }

  private tell(task: Task): void {
    for (const { worker } of this.threads) worker.postMessage(task);
  }

  private start(workerData: WorkerStart): Thread {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData });
    const thread: Thread = { worker, busy: 0 };
    worker.on("message", ({ id, judged }: Reply) => {
      const waiting = this.waiting.get(id);
      this.waiting.delete(id);
      thread.busy--;
      waiting?.resolve(judged);
    });
    // A bug, or no memory left: nothing that was asked will be answered.
    worker.on("error", (error) => this.fail(error instanceof Error ? error : new Error(String(error))));
    return thread;
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
